import type { Registry } from 'prom-client';
import type { MetricsFromProcess } from '../../metrics/messages.ts';
import type { Child } from '../slots.ts';
import { sendTo } from '../slots.ts';
import type { Aggregator } from './aggregate.ts';
import type { MetricObject } from '../../metrics/snapshot.ts';
import type { ClusterRecorder } from './clusterMetrics.ts';
import { takeSnapshot } from '../../metrics/snapshot.ts';

/** Time that a process has to send its counts; a slower one is represented by its last ones. */
const ANSWER_TIMEOUT_MS = 1000;

export interface ScraperOptions {
  /** The primary's own registry. */
  readonly registry: Registry;
  readonly aggregator: Aggregator;
  readonly recorder: ClusterRecorder;
  readonly children: () => readonly Child[];
  /** Reads other counts into the registry first. Never fails, and ends soon. */
  readonly readOthers?: (() => Promise<void>) | undefined;
}

/** A scrape that waits for the counts of a process. */
interface Waiter {
  readonly id: number;
  readonly prefix: string;
  readonly done: () => void;
}

/** Asks the processes for their counts and sums them. */
export interface Scraper {
  /** The exposition of the whole server. Never fails because of a slow process. */
  expose(): Promise<string>;
  /** The sums over all processes of the families whose names begin with the prefix. */
  sums(prefix: string): Promise<readonly MetricObject[]>;
  receive(id: number, message: Extract<MetricsFromProcess, { type: 'metrics' }>): void;
}

export function createScraper({
  registry,
  aggregator,
  recorder,
  children,
  readOthers,
}: ScraperOptions): Scraper {
  const waiting = new Set<Waiter>();

  /** Processes whose exit is awaited: once a process, not once a scrape, since the promise lives as long as the process. */
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
      sendTo(child, { type: 'metrics', prefix });
      watch(child);
    });
  const askAll = (prefix: string): Promise<unknown> =>
    Promise.all(children().map((child) => ask(child, prefix)));

  return {
    expose: async () => {
      await Promise.all([askAll(''), readOthers?.()]);
      return aggregator.expose(await takeSnapshot(registry));
    },
    sums: async (prefix) => {
      await askAll(prefix);
      return aggregator.sums(prefix);
    },
    receive: (id, { metrics, prefix }) => {
      aggregator.update(id, metrics);
      for (const waiter of waiting) if (waiter.id === id && waiter.prefix === prefix) waiter.done();
    },
  };
}
