import type { Row } from '../layout.ts';
import { table, timeSeries, worseAbove } from '../panel.ts';
import { MODEL, SERVER, rate } from '../queries.ts';

const VALUES = 'model_prediction_value';
const PAIR = 'sum by (model, version, shadow)';

export const models: Row = {
  title: 'Models and drift',
  panels: [
    table({
      title: 'Versions',
      description: 'What is open, the digest of its file, and how it is computed.',
      unit: 'none',
      width: 12,
      columns: ['instance', 'model', 'version', 'engine', 'path', 'sha256'],
      queries: [{ legend: '', expr: `model_info{${MODEL}}` }],
    }),
    timeSeries({
      title: 'Prediction mix',
      description: 'Share of each label among the answered rows.',
      unit: 'short',
      width: 12,
      stack: 'percent',
      queries: [
        {
          legend: '{{model}}/{{version}} {{label}}',
          expr: `sum by (model, version, label) (${rate('model_predictions_total', MODEL)})`,
        },
      ],
    }),
    timeSeries({
      title: 'Drift by column',
      description:
        'Population stability index of the last rows against the training data: below 0.1 is alike, above 0.25 is another population.',
      unit: 'none',
      width: 12,
      steps: worseAbove(0.1, 0.25),
      queries: [
        {
          legend: '{{model}}/{{version}} {{column}}',
          expr: `max by (model, version, column) (model_drift_psi{${MODEL}})`,
        },
      ],
    }),
    timeSeries({
      title: 'Drift of predictions',
      description: 'The same index of what was predicted against the predictions on the training data.',
      unit: 'none',
      width: 12,
      steps: worseAbove(0.1, 0.25),
      queries: [
        {
          legend: '{{model}}/{{version}}',
          expr: `max by (model, version) (model_prediction_drift_psi{${MODEL}})`,
        },
      ],
    }),
    timeSeries({
      title: 'Prediction mix in the window',
      description: 'Share of each label, or range of values, in the window that drift is measured over.',
      unit: 'percentunit',
      width: 12,
      queries: [
        {
          legend: '{{model}}/{{version}} {{label}}',
          expr: `max by (model, version, label) (model_prediction_ratio{${MODEL}})`,
        },
      ],
    }),
    timeSeries({
      title: 'Rows in the window',
      description: 'Rows that drift is measured over. Figures from a few hundred rows say little.',
      unit: 'short',
      width: 12,
      queries: [
        { legend: '{{model}}/{{version}}', expr: `max by (model, version) (model_window_rows{${MODEL}})` },
      ],
    }),
    timeSeries({
      title: 'Unknown categories',
      description: "Cells per second that held none of their column's categories.",
      unit: 'ops',
      width: 8,
      queries: [
        {
          legend: '{{model}} {{column}}',
          expr: `sum by (model, column) (${rate('model_unknown_category_total', MODEL)})`,
        },
      ],
    }),
    timeSeries({
      title: 'Share of unknown categories',
      description: 'In the window that drift is measured over.',
      unit: 'percentunit',
      width: 8,
      steps: worseAbove(0.01, 0.05),
      queries: [
        {
          legend: '{{model}}/{{version}} {{column}}',
          expr: `max by (model, version, column) (model_unknown_ratio{${MODEL}})`,
        },
      ],
    }),
    timeSeries({
      title: 'Share of missing values',
      description: 'In the window that drift is measured over.',
      unit: 'percentunit',
      width: 8,
      queries: [
        {
          legend: '{{model}}/{{version}} {{column}}',
          expr: `max by (model, version, column) (model_missing_ratio{${MODEL}})`,
        },
      ],
    }),
    timeSeries({
      title: 'Predicted values',
      description: "A regression's values: 1, 5 and 9 of 10 lie below the lines, as far as buckets tell.",
      unit: 'short',
      width: 12,
      queries: [0.1, 0.5, 0.9].map((share) => ({
        legend: `{{model}}/{{version}} p${share * 100}`,
        expr: `histogram_quantile(${share}, sum by (model, version, le) (${rate(`${VALUES}_bucket`, MODEL)}))`,
      })),
    }),
    timeSeries({
      title: 'Last predicted value',
      description: "A regression's last value before each scrape; PredictionReachedThreshold looks at it.",
      unit: 'short',
      width: 12,
      queries: [{ legend: '{{model}}/{{version}} {{instance}}', expr: `model_result{${MODEL}}` }],
    }),
    timeSeries({
      title: 'Shadow flips',
      description: 'Share of the rows to which a candidate would have given another label.',
      unit: 'percentunit',
      width: 8,
      steps: worseAbove(0.02, 0.1),
      queries: [
        {
          legend: '{{model}}/{{version}} → {{shadow}}',
          expr: `${PAIR} (${rate('shadow_flips_total', MODEL)}) / ${PAIR} (${rate('shadow_rows_total', MODEL)})`,
        },
      ],
    }),
    timeSeries({
      title: 'Prediction log',
      description: 'Records per second that were written, and those that were dropped, by reason.',
      unit: 'ops',
      width: 8,
      queries: [
        { legend: 'written', expr: `sum(${rate('prediction_log_records_total', SERVER)})` },
        {
          legend: 'dropped: {{reason}}',
          expr: `sum by (reason) (${rate('prediction_log_dropped_total', SERVER)})`,
        },
      ],
    }),
    timeSeries({
      title: 'Prediction log reachable',
      description: '1 while the prediction log can be written.',
      unit: 'none',
      width: 8,
      queries: [{ legend: '{{instance}}', expr: `min by (instance) (prediction_log_up{${SERVER}})` }],
    }),
  ],
};
