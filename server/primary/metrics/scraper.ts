import type { Registry } from 'prom-client';
import type { FromProcess } from '../../messages.ts';
import type { Child } from '../slots.ts';
import { tell } from '../slots.ts';
import type { Aggregator } from './aggregate.ts';
import type { MetricObject } from '../../metrics/snapshot.ts';
import type { ClusterRecorder } from './clusterMetrics.ts';
import { takeSnapshot } from '../../metrics/snapshot.ts';

/** Time that a process has to send its counts. One that is slower is represented by its last ones. */
const ANSWER_TIMEOUT_MS = 1000;

export interface ScraperOptions {
  /** The primary's own registry. */
  readonly registry: Registry;
  readonly aggregator: Aggregator;
  readonly recorder: ClusterRecorder;
  readonly children: () => readonly Child[];
  /** What else is looked at before the primary's own families are read. Never fails, and ends soon. */
  readonly look?: (() => Promise<void>) | undefined;
}

/** Somebody who waits for a process's answer. */
interface Waiter {
  readonly id: number;
  readonly prefix: string;
  readonly done: () => void;
}

/** Asks the processes for their counts and sums them. */
export interface Scraper {
  /** The exposition of the whole server. Never fails because of a slow process. */
  expose(): Promise<string>;
  /** The sums over all processes, whose names begin so. */
  sums(prefix: string): Promise<readonly MetricObject[]>;
  receive(id: number, message: FromProcess): void;
}

export function createScraper({ registry, aggregator, recorder, children, look }: ScraperOptions): Scraper {
  const waiting = new Set<Waiter>();

  /** Once a process, not once a scrape: the promise lives as long as the process. */
  const watched = new WeakSet<Child>();
  const watch = (child: Child): void => {
    if (watched.has(child)) return;
    watched.add(child);
    void child.exited.then(() => {
      for (const { id, done } of waiting) if (id === child.worker.id) done();
    });
  };

  const ask = (child: Child, prefix: string): Promise<void> =>
    new Promise((resolve) => {
      const done = (): void => {
        clearTimeout(timer);
        waiting.delete(waiter);
        resolve();
      };
      const waiter = { id: child.worker.id, prefix, done };
      const timer = setTimeout(() => {
        recorder.stale();
        done();
      }, ANSWER_TIMEOUT_MS);
      waiting.add(waiter);
      tell(child, { type: 'metrics', prefix });
      watch(child);
    });
  const askAll = (prefix: string): Promise<unknown> =>
    Promise.all(children().map((child) => ask(child, prefix)));

  return {
    expose: async () => {
      await Promise.all([askAll(''), look?.()]);
      return aggregator.expose(await takeSnapshot(registry));
    },
    sums: async (prefix) => {
      await askAll(prefix);
      return aggregator.sums(prefix);
    },
    receive: (id, message) => {
      if (message.type !== 'metrics') return;
      aggregator.update(id, message.metrics);
      for (const waiter of waiting) if (waiter.id === id && waiter.prefix === message.prefix) waiter.done();
    },
  };
}
