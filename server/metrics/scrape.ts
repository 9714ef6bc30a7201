import type { Registry } from 'prom-client';
import type { FromProcess } from '../messages.ts';
import type { Child } from '../slots.ts';
import { tell } from '../slots.ts';
import type { Aggregator, MetricObject } from './aggregate.ts';
import type { ClusterRecorder } from './cluster.ts';

/** Time that a process has to send its counts. One that is slower is represented by its last ones. */
const ANSWER_TIMEOUT_MS = 1000;

export interface ScraperOptions {
  /** The primary's own registry. */
  readonly registry: Registry;
  readonly aggregator: Aggregator;
  readonly recorder: ClusterRecorder;
  readonly children: () => readonly Child[];
}

/** Asks the processes for their counts and sums them. */
export interface Scraper {
  /** The exposition of the whole server. Never fails because of a slow process. */
  expose(): Promise<string>;
  /** The sums over all processes, whose names begin so. */
  sums(prefix: string): Promise<readonly MetricObject[]>;
  receive(id: number, message: FromProcess): void;
}

export function createScraper({ registry, aggregator, recorder, children }: ScraperOptions): Scraper {
  const waiting = new Map<number, Set<() => void>>();

  /** Once a process, not once a scrape: the promise lives as long as the process. */
  const watched = new WeakSet<Child>();
  const watch = (child: Child): void => {
    if (watched.has(child)) return;
    watched.add(child);
    void child.exited.then(() => {
      for (const done of waiting.get(child.worker.id) ?? []) done();
      waiting.delete(child.worker.id);
    });
  };

  const ask = (child: Child): Promise<void> =>
    new Promise((resolve) => {
      const answers = waiting.get(child.worker.id) ?? new Set();
      waiting.set(child.worker.id, answers);
      const done = (): void => {
        clearTimeout(timer);
        answers.delete(done);
        resolve();
      };
      const timer = setTimeout(() => {
        recorder.stale();
        done();
      }, ANSWER_TIMEOUT_MS);
      answers.add(done);
      tell(child, { type: 'metrics' });
      watch(child);
    });

  return {
    expose: async () => {
      await Promise.all(children().map(ask));
      return aggregator.expose((await registry.getMetricsAsJSON()) as unknown as MetricObject[]);
    },
    sums: async (prefix) => {
      await Promise.all(children().map(ask));
      return (await aggregator.sums()).filter(({ name }) => name.startsWith(prefix));
    },
    receive: (id, message) => {
      if (message.type !== 'metrics') return;
      aggregator.update(id, message.metrics);
      for (const done of waiting.get(id) ?? []) done();
    },
  };
}
