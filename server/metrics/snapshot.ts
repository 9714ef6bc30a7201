import type { Registry } from 'prom-client';

/** How the values of several processes become one. Counters and histograms are always summed. */
export type Merge = 'sum' | 'average' | 'min' | 'max' | 'first' | 'newest' | 'omit';

/** The part of a family that is the same in every process. */
export interface FamilyHead {
  readonly name: string;
  readonly help: string;
  readonly type: 'counter' | 'gauge' | 'histogram';
  readonly merge: Merge;
  /** Upper bounds of a histogram's buckets, except for the last, which has none. */
  readonly bounds: readonly number[];
}

/**
 * The values of a series. Counter, gauge: one. Gauge merged as `newest`: also the time when it was set, in ms since
 * 1970. Histogram: the observations within each bound, all of them, and their sum.
 */
export type Values = readonly number[];

/**
 * A family as it is sent between processes: a series is one entry, its labels a JSON text that is also its key. In
 * prom-client's own form a histogram's series is two dozen objects, which took most of a scrape's time.
 */
export interface FamilySnapshot extends FamilyHead {
  readonly series: readonly (readonly [labels: string, values: Values])[];
}

export type Snapshot = readonly FamilySnapshot[];

type Labels = Readonly<Record<string, string | number>>;

/** One line of an exposition, in prom-client's form. */
interface Value {
  readonly metricName?: string;
  readonly labels: Labels;
  readonly value: number;
}

/** A family in prom-client's form. */
interface PromFamily {
  readonly name: string;
  readonly help: string;
  readonly type: 'counter' | 'gauge' | 'histogram';
  readonly aggregator: Merge;
  readonly values: readonly Value[];
}

const withoutBound = (labels: Labels): string => JSON.stringify({ ...labels, le: undefined });

function fromPromFamily({ name, help, type, aggregator: merge, values }: PromFamily): FamilySnapshot {
  if (type !== 'histogram') {
    const series = values.map(({ labels, value }) => [JSON.stringify(labels), [value]] as const);
    return { name, help, type, merge, bounds: [], series };
  }
  const bounds = new Set<number>();
  const series = new Map<string, number[]>();
  // Each series has its buckets first, in order, then its sum; the count equals the last bucket's.
  for (const { metricName, labels, value } of values) {
    if (metricName?.endsWith('_count')) continue;
    const le = Number(labels['le']);
    if (Number.isFinite(le)) bounds.add(le);
    const key = withoutBound(labels);
    const known = series.get(key);
    if (known) known.push(value);
    else series.set(key, [value]);
  }
  return { name, help, type, merge, bounds: [...bounds], series: [...series] };
}

type Registered = { readonly name: string } & (
  { readonly snapshot: () => FamilySnapshot } | { readonly get: () => Promise<PromFamily> }
);

/** The families of a registry whose names begin with the prefix. */
export async function takeSnapshot(registry: Registry, prefix = ''): Promise<Snapshot> {
  const metrics = registry.getMetricsAsArray() as unknown as readonly Registered[];
  return Promise.all(
    metrics
      .filter(({ name }) => name.startsWith(prefix))
      .map(async (metric) => ('snapshot' in metric ? metric.snapshot() : fromPromFamily(await metric.get()))),
  );
}

/** The family in prom-client's form. */
export function toMetricObject({ bounds, series, merge, ...head }: FamilySnapshot): MetricObject {
  const { name, type } = head;
  const values = series.flatMap(([key, numbers]): Value[] => {
    const labels = JSON.parse(key) as Labels;
    if (type !== 'histogram') return [{ labels, value: numbers[0] as number }];
    const buckets = numbers.slice(0, -1).map((value, bucket) => ({
      metricName: `${name}_bucket`,
      labels: { le: bounds[bucket] ?? '+Inf', ...labels },
      value,
    }));
    return [
      ...buckets,
      { metricName: `${name}_sum`, labels, value: numbers.at(-1) as number },
      { metricName: `${name}_count`, labels, value: numbers.at(-2) as number },
    ];
  });
  return { ...head, aggregator: merge, values };
}

/** A metric as prom-client serializes it. */
export interface MetricObject {
  readonly name: string;
  readonly type: 'counter' | 'gauge' | 'histogram' | 'summary';
  readonly values: readonly unknown[];
  readonly [member: string]: unknown;
}
