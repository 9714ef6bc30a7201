import type { Query } from './panel.ts';

/** Label matchers of every query, and of queries of a model's families. */
export const SERVER = 'instance=~"$instance"';
export const MODEL = `${SERVER},model=~"$model"`;
/** As in the alert HighLatency: without files, whose time depends on their size. */
export const PREDICTIONS = `${SERVER},method="POST",route!~".*/predict_file"`;

/** Growth per second. The interval is Grafana's: never below four scrapes. */
export const rate = (counter: string, selector: string): string =>
  `rate(${counter}{${selector}}[$__rate_interval])`;

/** The value below which this share of the observations lies, as far as the buckets show. */
const quantile = (share: number, histogram: string, selector: string): string =>
  `histogram_quantile(${share}, sum by (le) (${rate(`${histogram}_bucket`, selector)}))`;

/** Mean and quantiles of a histogram over all that was selected. */
export const distribution = (histogram: string, selector: string): Query[] => [
  {
    legend: 'mean',
    expr: `sum(${rate(`${histogram}_sum`, selector)}) / sum(${rate(`${histogram}_count`, selector)})`,
  },
  { legend: 'p50', expr: quantile(0.5, histogram, selector) },
  { legend: 'p90', expr: quantile(0.9, histogram, selector) },
  { legend: 'p99', expr: quantile(0.99, histogram, selector) },
];

/** The same by model: the mean, and one quantile. */
export const distributionByModel = (histogram: string, share: number): Query[] => [
  {
    legend: `{{model}}/{{version}} mean`,
    expr: `sum by (model, version) (${rate(`${histogram}_sum`, MODEL)}) / sum by (model, version) (${rate(`${histogram}_count`, MODEL)})`,
  },
  {
    legend: `{{model}}/{{version}} p${share * 100}`,
    expr: `histogram_quantile(${share}, sum by (model, version, le) (${rate(`${histogram}_bucket`, MODEL)}))`,
  },
];
