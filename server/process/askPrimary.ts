import { Problem } from '../errors/problem.ts';
import type { FromProcess, ToProcess } from '../messages.ts';
import type { AskSums } from '../metrics/messages.ts';
import type { AskDrift } from '../observers/drift/messages.ts';
import { deadline } from '../platform/deadline.ts';
import type { OrderModels } from '../rollout/messages.ts';
import { ORDER_MS } from '../rollout/orders.ts';

/** The primary in turn asks every process, and gives each a second. */
const ANSWER_MS = 3000;

type Answer = Extract<ToProcess, { type: 'sums' | 'drift' | 'ordered' }>;

/** Asks the primary for figures of all processes together, and for models to be loaded and unloaded. */
export interface AskPrimary {
  readonly orderModels: OrderModels;
  readonly sums: AskSums;
  readonly drift: AskDrift;
  receive(answer: Answer): void;
}

export function createAskPrimary(
  send: (message: FromProcess) => Promise<void>,
  answerMs = ANSWER_MS,
): AskPrimary {
  const waiting = new Map<number, (answer: Answer) => void>();
  let asked = 0;
  const ask = async (
    messageOf: (question: number) => FromProcess,
    detail = 'The figures of all processes cannot be had at the moment.',
    ms = answerMs,
  ): Promise<Answer> => {
    const question = asked++;
    const answer = new Promise<Answer>((resolve) => waiting.set(question, resolve));
    void send(messageOf(question));
    try {
      return await deadline(answer, ms, 'the answer of the primary');
    } catch (cause) {
      throw new Problem('not_ready', { detail, cause });
    } finally {
      waiting.delete(question);
    }
  };
  return {
    orderModels: async (order) => {
      const answer = await ask(
        (question) => ({ type: 'order', question, order }),
        'Models cannot be loaded and unloaded at the moment.',
        // The primary answers at its own deadline.
        ORDER_MS + answerMs,
      );
      if (answer.type === 'ordered' && answer.refusal)
        throw new Problem(answer.refusal.code, { detail: answer.refusal.detail });
    },
    sums: async (prefix) => {
      const answer = await ask((question) => ({ type: 'sums', question, prefix }));
      return answer.type === 'sums' ? answer.metrics : [];
    },
    drift: async (key) => {
      const answer = await ask((question) => ({ type: 'drift', question, key }));
      return answer.type === 'drift' ? answer.report : undefined;
    },
    receive: (answer) => waiting.get(answer.question)?.(answer),
  };
}
