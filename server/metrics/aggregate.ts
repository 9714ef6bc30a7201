import { AggregatorRegistry } from 'prom-client';
import { keepNewest } from './newest.ts';

/** A metric as prom-client serialises it. */
export interface MetricObject {
  readonly name: string;
  readonly type: 'counter' | 'gauge' | 'histogram' | 'summary';
  readonly values: readonly unknown[];
  readonly [member: string]: unknown;
}

type Snapshot = readonly MetricObject[];

/** Sums snapshots into the text of an exposition. */
const aggregate = (snapshots: readonly Snapshot[]) => AggregatorRegistry.aggregate(keepNewest(snapshots));

/** The last counts of every process that there was. */
export interface Aggregator {
  /** The newest counts of a process, by a number that none had before it (a pid can come back). */
  update(id: number, metrics: Snapshot): void;
  /** The process is gone: its counters stay in the sum, so that none goes backwards; its gauges leave it. */
  retire(id: number): Promise<void>;
  /** The sums over all processes. */
  sums(): Promise<Snapshot>;
  /** The exposition text of all processes and of `own`. */
  expose(own: Snapshot): Promise<string>;
}

interface Entry {
  readonly snapshot: Snapshot;
  readonly retired: boolean;
}

/** Processes that are gone and whose counts are kept apart; beyond that they are summed up. */
const MAX_RETIRED = 100;

/**
 * Keeps the counts of the server's processes, in the order of their birth. Sums of floating-point numbers depend on
 * their order, and one that is smaller in its last digit looks like a reset to Prometheus: so a process keeps its
 * place when it ends, and only the oldest ones, from the first on, are summed up once and for all.
 */
export function createAggregator(): Aggregator {
  const entries = new Map<number, Entry>();
  const gone = new Set<number>();

  const sumUp = async (ids: readonly number[]): Promise<void> => {
    const [first, ...others] = ids;
    if (first === undefined || others.length === 0) return;
    const snapshots = ids.map((id) => (entries.get(id) as Entry).snapshot);
    const snapshot = (await aggregate(snapshots).getMetricsAsJSON()) as unknown as Snapshot;
    entries.set(first, { snapshot, retired: true });
    for (const id of others) entries.delete(id);
  };
  /** One at a time: each changes what the next one finds. */
  let tidying = Promise.resolve();
  const tidy = async (): Promise<void> => {
    const ids = [...entries.keys()];
    const firstAlive = ids.findIndex((id) => entries.get(id)?.retired === false);
    await sumUp(firstAlive === -1 ? ids : ids.slice(0, firstAlive));
    const retired = [...entries.keys()].filter((id) => entries.get(id)?.retired);
    if (retired.length > MAX_RETIRED) await sumUp(retired);
  };

  return {
    update: (id, snapshot) => {
      // What was under way when the process ended would bring it back.
      if (!gone.has(id)) entries.set(id, { snapshot, retired: false });
    },
    retire: async (id) => {
      gone.add(id);
      const last = entries.get(id);
      if (!last) return;
      const counts = last.snapshot.filter(({ type }) => type === 'counter' || type === 'histogram');
      entries.set(id, { snapshot: counts, retired: true });
      tidying = tidying.then(tidy);
      await tidying;
    },
    sums: async () => {
      await tidying;
      const all = aggregate([...entries.values()].map(({ snapshot }) => snapshot));
      return (await all.getMetricsAsJSON()) as unknown as Snapshot;
    },
    expose: async (own) => {
      await tidying;
      return aggregate([...[...entries.values()].map(({ snapshot }) => snapshot), own]).metrics();
    },
  };
}
