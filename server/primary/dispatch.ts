import type { Logger } from 'pino';
import type { ToProcess } from '../messages.ts';
import type { DriftWindows } from '../observers/drift/windows.ts';
import { toProblem } from '../errors/problem.ts';
import type { OrderModels } from '../rollout/messages.ts';
import type { Rollout } from '../rollout/rollout.ts';
import type { Heartbeat } from './heartbeat.ts';
import type { LoadMonitor } from './metrics/loadMonitor.ts';
import type { Scraper } from './metrics/scraper.ts';
import type { Report } from './slots.ts';

type MessageOf<T extends Report['type']> = Extract<Report, { type: T }>;

export interface DispatchOptions {
  readonly heartbeat: Heartbeat;
  readonly rollout: Rollout;
  readonly orderModels: OrderModels;
  readonly scraper: Scraper;
  readonly loadMonitor: LoadMonitor;
  /** Undefined where drift isn't measured. */
  readonly drift: DriftWindows | undefined;
  readonly log: Logger;
  /** Sends to one process, if it is ready. */
  readonly answer: (id: number, message: ToProcess) => void;
}

/** Passes each message of a server process to the part that it is for. */
export function createDispatch(options: DispatchOptions): (id: number, message: Report) => void {
  const { heartbeat, rollout, orderModels, scraper, loadMonitor, drift, log, answer } = options;
  const answerSums = async (id: number, question: number, prefix: string): Promise<void> => {
    const metrics = await scraper.sums(prefix);
    answer(id, { type: 'sums', question, metrics });
  };
  const answerOrder = async (id: number, { question, order }: MessageOf<'order'>): Promise<void> => {
    const refusal = await orderModels(order).then(
      () => undefined,
      (error: unknown) => {
        const problem = toProblem(error);
        if (problem.code === 'internal_error')
          log.error({ err: problem.cause }, 'an order for a model failed');
        return { code: problem.code, detail: problem.message };
      },
    );
    answer(id, { type: 'ordered', question, refusal });
  };
  return (id, message) => {
    switch (message.type) {
      case 'alive':
        return heartbeat.receive(id, message);
      case 'opened':
      case 'swapped':
        return rollout.receive(id, message);
      case 'order':
        return void answerOrder(id, message);
      case 'metrics':
        return scraper.receive(id, message);
      case 'watch':
      case 'counts':
        return loadMonitor.receive(id, message);
      case 'sums':
        return void answerSums(id, message.question, message.prefix);
      case 'observing':
      case 'observed':
        return drift?.receive(id, message);
      case 'drift':
        return answer(id, { type: 'drift', question: message.question, report: drift?.report(message.key) });
    }
  };
}
