import { AggregatorRegistry } from 'prom-client';

/** A metric as prom-client serialises it. */
export interface MetricObject {
  readonly name: string;
  readonly type: 'counter' | 'gauge' | 'histogram' | 'summary';
  readonly values: readonly unknown[];
  readonly [member: string]: unknown;
}

type Snapshot = readonly MetricObject[];

/** Sums snapshots into the text of an exposition. */
const aggregate = (snapshots: readonly Snapshot[]) =>
  AggregatorRegistry.aggregate(snapshots as unknown as Parameters<typeof AggregatorRegistry.aggregate>[0]);

/** The last counts of every process that there was. */
export interface Aggregator {
  /** The newest counts of a process, by a number that none had before it (a pid can come back). */
  update(id: number, metrics: Snapshot): void;
  /** The process is gone: its counters stay in the sum, so that none goes backwards; its gauges leave it. */
  retire(id: number): Promise<void>;
  /** The exposition text of all processes and of `own`. */
  expose(own: Snapshot): Promise<string>;
}

/** Keeps the counts of the server's processes. */
export function createAggregator(): Aggregator {
  const living = new Map<number, Snapshot>();
  const gone = new Set<number>();
  /** A promise, so that the counts of a process are in either it or `living` at any time. */
  let retired: Promise<Snapshot> = Promise.resolve([]);
  return {
    update: (id, metrics) => {
      // What was under way when the process ended would count twice.
      if (!gone.has(id)) living.set(id, metrics);
    },
    retire: async (id) => {
      const last = living.get(id) ?? [];
      living.delete(id);
      gone.add(id);
      const counts = last.filter(({ type }) => type === 'counter' || type === 'histogram');
      retired = retired.then(
        async (before) => (await aggregate([before, counts]).getMetricsAsJSON()) as unknown as Snapshot,
      );
      await retired;
    },
    expose: async (own) => aggregate([own, ...living.values(), await retired]).metrics(),
  };
}
