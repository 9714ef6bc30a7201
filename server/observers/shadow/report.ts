import type { MetricObject } from '../../metrics/snapshot.ts';
import type { Model } from '../../model/model.ts';
import { SHADOW_PREFIX } from './metrics.ts';

interface Sample {
  readonly metricName?: string;
  readonly labels: Readonly<Record<string, string | number>>;
  readonly value: number;
}

/** A shadow's answers compared with the served ones, over all processes since the server's start. */
export interface ShadowReport {
  readonly version: number;
  readonly rows: number;
  readonly flips: number;
  /** Share of the compared rows; null before the first one. */
  readonly flipRate: number | null;
  readonly scoreDifference: {
    readonly mean: number | null;
    /** Rows whose difference is at most `le`. */
    readonly buckets: readonly { readonly le: string; readonly rows: number }[];
  };
  readonly dropped: number;
  readonly failed: number;
}

/** Reads the reports of a version's shadows from the shadow metrics of all processes. */
export function readShadowReports(
  { name, version }: Model,
  metrics: readonly MetricObject[],
): ShadowReport[] {
  const samples = metrics.flatMap((metric) =>
    (metric.values as readonly Sample[])
      .filter(({ labels }) => labels['model'] === name && Number(labels['version']) === version)
      .map((sample) => ({ ...sample, name: (sample.metricName ?? metric.name).slice(SHADOW_PREFIX.length) })),
  );
  const versions = [...new Set(samples.map(({ labels }) => Number(labels['shadow'])))].sort((a, b) => a - b);
  return versions.map((shadow) => {
    const own = samples.filter(({ labels }) => Number(labels['shadow']) === shadow);
    const sum = (wanted: string): number => own.find((sample) => sample.name === wanted)?.value ?? 0;
    const rows = sum('rows_total');
    const flips = sum('flips_total');
    const compared = sum('score_difference_count');
    return {
      version: shadow,
      rows,
      flips,
      flipRate: rows === 0 ? null : flips / rows,
      scoreDifference: {
        mean: compared === 0 ? null : sum('score_difference_sum') / compared,
        buckets: own
          .filter((sample) => sample.name === 'score_difference_bucket')
          .map(({ labels, value }) => ({ le: String(labels['le']), rows: value })),
      },
      dropped: sum('dropped_rows_total'),
      failed: sum('failed_rows_total'),
    };
  });
}
