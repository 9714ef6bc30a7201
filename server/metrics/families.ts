import type { Registry } from 'prom-client';
import type { FamilyHead, FamilySnapshot, MetricObject, Values } from './snapshot.ts';
import { toMetricObject } from './snapshot.ts';

type Labels = Readonly<Record<string, string | number>>;

interface Family {
  readonly name: string;
  readonly help: string;
}

/** A series that only grows. */
export interface Count {
  add(amount: number): void;
}

/** A series of a histogram. */
export interface Histogram {
  /** @returns the bucket of the value, counted from 0 */
  observe(value: number): number;
  /** Observations in each bucket, without those in lower ones. */
  readonly counts: Float64Array;
}

/** The series of one name, by labels. A series is made at its first use: keep it where it is used often. */
export type Series<S> = (labels: Labels) => S;

/** What a registry needs of a metric, and `snapshot`, which the primary sums. */
interface Registered extends Family {
  readonly type: FamilySnapshot['type'];
  readonly snapshot: () => FamilySnapshot;
  readonly get: () => Promise<MetricObject>;
  readonly reset: () => void;
}

/**
 * Counters and histograms whose series are plain numbers. prom-client makes a text of the labels at every call, which
 * took as long as parsing and checking a whole request; here labels are read at a scrape.
 *
 * @param read the values of a series; undefined while it has none
 */
function register<S>(
  registry: Registry,
  head: FamilyHead,
  makeSeries: () => S,
  read: (series: S) => Values | undefined,
): Series<S> {
  const all = new Map<string, S>();
  const snapshot = (): FamilySnapshot => ({
    ...head,
    series: [...all].flatMap(([key, series]) => {
      const values = read(series);
      return values ? [[key, values] as const] : [];
    }),
  });
  const metric: Registered = {
    ...head,
    snapshot,
    get: () => Promise.resolve(toMetricObject(snapshot())),
    reset: () => all.clear(),
  };
  registry.registerMetric(metric as unknown as Parameters<Registry['registerMetric']>[0]);
  return (labels) => {
    const key = JSON.stringify(labels);
    let series = all.get(key);
    if (series === undefined) all.set(key, (series = makeSeries()));
    return series;
  };
}

/** A counter: its name ends in `_total`. */
export function createCounter(registry: Registry, family: Family): Series<Count> {
  interface Total extends Count {
    readonly total: number;
  }
  const makeSeries = (): Total => {
    let total = 0;
    return {
      add: (amount) => {
        total += amount;
      },
      get total() {
        return total;
      },
    };
  };
  const head: FamilyHead = { ...family, type: 'counter', merge: 'sum', bounds: [] };
  return register(registry, head, makeSeries, ({ total }) => [total]);
}

/** @param buckets upper bounds, ascending; a bucket without bound is added */
export function createHistogram(
  registry: Registry,
  family: Family,
  buckets: readonly number[],
): Series<Histogram> {
  interface Buckets extends Histogram {
    readonly sum: number;
  }
  const makeSeries = (): Buckets => {
    const counts = new Float64Array(buckets.length + 1);
    let sum = 0;
    return {
      counts,
      get sum() {
        return sum;
      },
      observe: (value) => {
        let bucket = 0;
        while (bucket < buckets.length && value > (buckets[bucket] as number)) bucket++;
        (counts[bucket] as number)++;
        sum += value;
        return bucket;
      },
    };
  };
  const head: FamilyHead = { ...family, type: 'histogram', merge: 'sum', bounds: buckets };
  return register(registry, head, makeSeries, ({ counts, sum }) => {
    let within = 0;
    return [...Array.from(counts, (count) => (within += count)), sum];
  });
}

/** A series that holds the latest value. */
export interface Latest {
  set(value: number): void;
  /** Removes the value until it is set again. */
  forget(): void;
}

/** A gauge that shows the newest of all processes' values: their sum would mean nothing. */
export function createLatest(registry: Registry, family: Family): Series<Latest> {
  interface Timed extends Latest {
    readonly value: number;
    readonly time: number;
  }
  const makeSeries = (): Timed => {
    let [value, time] = [NaN, 0];
    return {
      set: (next) => {
        value = next;
        time = Date.now();
      },
      forget: () => {
        time = 0;
      },
      get value() {
        return value;
      },
      get time() {
        return time;
      },
    };
  };
  const head: FamilyHead = { ...family, type: 'gauge', merge: 'newest', bounds: [] };
  return register(registry, head, makeSeries, ({ value, time }) => (time === 0 ? undefined : [value, time]));
}

/** A series that shows the largest of all processes' values, such as the latest of times. */
export interface Largest {
  value: number;
}

export function createLargest(registry: Registry, family: Family): Series<Largest> {
  const head: FamilyHead = { ...family, type: 'gauge', merge: 'max', bounds: [] };
  return register(
    registry,
    head,
    (): Largest => ({ value: NaN }),
    ({ value }) => (Number.isNaN(value) ? undefined : [value]),
  );
}

/** Makes a value once for each key. */
export function memo<K, V>(make: (key: K) => V): (key: K) => V {
  const made = new Map<K, V>();
  return (key) => {
    const known = made.get(key);
    if (known !== undefined) return known;
    const value = make(key);
    made.set(key, value);
    return value;
  };
}
