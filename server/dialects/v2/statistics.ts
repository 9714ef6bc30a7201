import { BATCH_BUCKETS } from '../../metrics/buckets.ts';
import type { MetricObject } from '../../metrics/snapshot.ts';
import type { Model } from '../../model/model.ts';

/** A count, and nanoseconds in all. */
export interface V2Duration {
  readonly count: number;
  readonly ns: number;
}

/** Triton's statistics of one version, over all processes since the start. */
export interface V2Statistics {
  readonly name: string;
  readonly version: string;
  /** Milliseconds since 1970; 0 before the first. */
  readonly last_inference: number;
  readonly inference_count: number;
  readonly execution_count: number;
  readonly inference_stats: Readonly<
    Record<
      | 'success'
      | 'fail'
      | 'queue'
      | 'compute_input'
      | 'compute_infer'
      | 'compute_output'
      | 'cache_hit'
      | 'cache_miss',
      V2Duration
    >
  >;
  readonly batch_stats: readonly {
    /** Of a batch of up to this many rows: sizes are counted in powers of two. */
    readonly batch_size: number;
    readonly compute_input: V2Duration;
    readonly compute_infer: V2Duration;
    readonly compute_output: V2Duration;
  }[];
}

/** The prefixes of the families that statistics are made of. */
export const STATISTICS_PREFIXES = ['inference_', 'request_parse_'] as const;

interface Value {
  readonly metricName?: string;
  readonly labels: Readonly<Record<string, string | number>>;
  readonly value: number;
}

/** Asks for one series' value: by its name, and labels beside the model's. */
type Read = (name: string, labels?: Value['labels']) => number;

const NONE: V2Duration = { count: 0, ns: 0 };
const nanoseconds = (seconds: number): number => Math.round(seconds * 1e9);

function readerOf(metrics: readonly MetricObject[]): (model: Pick<Model, 'name' | 'version'>) => Read {
  const keyOf = (name: string, labels: Value['labels']): string =>
    `${name} ${Object.keys(labels)
      .sort()
      .map((label) => `${label}=${labels[label]}`)
      .join(' ')}`;
  const all = new Map<string, number>();
  for (const { name, values } of metrics)
    for (const { metricName, labels, value } of values as readonly Value[])
      all.set(keyOf(metricName ?? name, labels), value);
  return ({ name: model, version }) =>
    (name, labels = {}) =>
      all.get(keyOf(name, { model, version, ...labels })) ?? 0;
}

function batchesOf(read: Read): V2Statistics['batch_stats'] {
  let below = 0;
  return BATCH_BUCKETS.flatMap((size) => {
    const within = read('inference_batch_rows_bucket', { le: size });
    const count = within - below;
    below = within;
    if (count === 0) return [];
    const ns = nanoseconds(read('inference_batch_seconds_total', { rows: String(size) }));
    return [{ batch_size: size, compute_input: NONE, compute_infer: { count, ns }, compute_output: NONE }];
  });
}

/**
 * Makes Triton's statistics of versions.
 *
 * @param metrics the sums over all processes of the families of `STATISTICS_PREFIXES`
 */
export function v2Statistics(
  models: readonly Pick<Model, 'name' | 'version'>[],
  metrics: readonly MetricObject[],
): V2Statistics[] {
  const readOf = readerOf(metrics);
  return models.map((model) => {
    const read = readOf(model);
    const outcome = (name: 'success' | 'fail'): V2Duration => ({
      count: read('inference_requests_total', { outcome: name }),
      ns: nanoseconds(read('inference_request_seconds_total', { outcome: name })),
    });
    const histogram = (name: string): V2Duration => ({
      count: read(`${name}_count`),
      ns: nanoseconds(read(`${name}_sum`)),
    });
    return {
      name: model.name,
      version: String(model.version),
      last_inference: Math.round(read('inference_last_timestamp_seconds') * 1000),
      inference_count: read('inference_rows_total'),
      execution_count: read('inference_duration_seconds_count'),
      inference_stats: {
        success: outcome('success'),
        fail: outcome('fail'),
        queue: histogram('inference_queue_seconds'),
        compute_input: histogram('request_parse_seconds'),
        compute_infer: histogram('inference_duration_seconds'),
        compute_output: NONE,
        cache_hit: NONE,
        cache_miss: NONE,
      },
      batch_stats: batchesOf(read),
    };
  });
}

export const writeV2Statistics = (statistics: readonly V2Statistics[]): string =>
  JSON.stringify({ model_stats: statistics });
