import type { Registry } from 'prom-client';

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
export interface Distribution {
  observe(value: number): void;
  /** Observations that fell into each bucket and in none below it. */
  readonly counts: Float64Array;
}

/** Series of one name, by their labels. A series is made when it is first asked for: keep it where it is used often. */
export type Series<S> = (labels: Labels) => S;

interface Value {
  /** Of a gauge whose newest value counts: when it was set, in ms since 1970. */
  readonly time?: number;
  readonly metricName?: string;
  readonly labels: Labels;
  readonly value: number;
}

/** What a registry asks of a metric. */
interface Registered extends Family {
  readonly type: 'counter' | 'histogram' | 'gauge';
  readonly aggregator: 'sum';
  readonly get: () => Promise<Registered & { readonly values: readonly Value[] }>;
  readonly reset: () => void;
}

/**
 * Counters and histograms whose series are plain numbers. prom-client finds a series by a text that it makes of the
 * labels at every call, which took as long as parsing and checking a whole request; here labels are read at a scrape.
 */
function register<S>(
  registry: Registry,
  { name, help }: Family,
  type: Registered['type'],
  makeSeries: () => S,
  read: (labels: Labels, series: S) => readonly Value[],
): Series<S> {
  const all = new Map<string, { readonly labels: Labels; readonly series: S }>();
  const metric: Registered = {
    name,
    help,
    type,
    aggregator: 'sum',
    get: () =>
      Promise.resolve({
        ...metric,
        values: [...all.values()].flatMap(({ labels, series }) => read(labels, series)),
      }),
    reset: () => all.clear(),
  };
  registry.registerMetric(metric as unknown as Parameters<Registry['registerMetric']>[0]);
  return (labels) => {
    const key = JSON.stringify(labels);
    let entry = all.get(key);
    if (!entry) {
      entry = { labels, series: makeSeries() };
      all.set(key, entry);
    }
    return entry.series;
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
  return register(registry, family, 'counter', makeSeries, (labels, { total }) => [{ labels, value: total }]);
}

/** @param buckets upper bounds, ascending; one without bound is added */
export function createHistogram(
  registry: Registry,
  family: Family,
  buckets: readonly number[],
): Series<Distribution> {
  interface Buckets extends Distribution {
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
      },
    };
  };
  const { name } = family;
  return register(registry, family, 'histogram', makeSeries, (labels, { counts, sum }) => {
    let below = 0;
    const values: Value[] = Array.from(counts, (count, bucket) => ({
      metricName: `${name}_bucket`,
      labels: { le: buckets[bucket] ?? '+Inf', ...labels },
      value: (below += count),
    }));
    values.push(
      { metricName: `${name}_sum`, labels, value: sum },
      { metricName: `${name}_count`, labels, value: below },
    );
    return values;
  });
}

/** A series that says what was last. */
export interface Latest {
  set(value: number): void;
}

/** A gauge that of all processes' values shows the newest one: see newest.ts. */
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
      get value() {
        return value;
      },
      get time() {
        return time;
      },
    };
  };
  return register(registry, family, 'gauge', makeSeries, (labels, { value, time }) =>
    time === 0 ? [] : [{ labels, value, time }],
  );
}

/** Keeps what is made for a key: the labels of a series are looked up once. */
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
