import type { Registry } from 'prom-client';
import { Gauge } from 'prom-client';
import type { EncodedRows } from '../model/rows.ts';
import type { Refusal } from '../errors/refusals.ts';
import { perModel } from '../model/perModel.ts';
import { answerWidth } from '../../worker/protocol.ts';
import { labelClasses } from '../model/signature.ts';
import type { Model } from '../model/model.ts';
import { BATCH_BUCKETS, LATENCY_BUCKETS, VALUE_BUCKETS } from './buckets.ts';
import type { Histogram, Latest } from './families.ts';
import { createCounter, createHistogram, createLatest } from './families.ts';
import { createLoadedModels, labelsOf } from './loadedModels.ts';
import { createRequestFamilies } from './requests.ts';

/** Records inference. All labels come from model signatures. */
export interface InferenceRecorder {
  batch(model: Model, rows: number, seconds: number): void;
  queued(model: Model, seconds: number): void;
  /**
   * A request, or a piece of a file, is answered.
   *
   * @param seconds from the body to the answers
   * @param began when it began, in milliseconds of performance.now()
   */
  answered(model: Model, rows: EncodedRows, answers: Float64Array, seconds: number, began: number): void;
  /** A request got an error, `seconds` after it began. */
  failed(model: Model, seconds: number): void;
  invalid(model: Model, refusals: readonly Refusal[]): void;
  /** Seconds from the text of an accepted body to checked and encoded rows. */
  parsed(model: Model, seconds: number): void;
  /** Columns of an accepted request that its dialect skips, as they aren't in the signature. */
  ignored(model: Model, columns: number): void;
  /** A CSV whose first line was taken as a row. */
  headerAbsent(model: Model): void;
  loaded(model: Model, seconds: number): void;
  /** Removes the gauges of a closed model; its counters stay. */
  unloaded(model: Model): void;
}

interface PredictedValues {
  readonly all: Histogram;
  readonly last: Latest;
}

/** Skips values that aren't finite: one NaN would make the sum NaN forever. */
function recordValues({ all, last }: PredictedValues, answers: Float64Array): void {
  let latest = NaN;
  for (const value of answers) {
    if (!Number.isFinite(value)) continue;
    all.observe(value);
    latest = value;
  }
  if (!Number.isNaN(latest)) last.set(latest);
}

/** The inference families of one process. */
export function createInferenceRecorder(registry: Registry, queuedRows: () => number): InferenceRecorder {
  const histogram = (name: string, help: string, buckets: readonly number[]) =>
    createHistogram(registry, { name, help }, buckets);

  const parse = histogram(
    'request_parse_seconds',
    'Time to decode, check and encode the rows of an accepted request.',
    LATENCY_BUCKETS,
  );
  const queue = histogram(
    'inference_queue_seconds',
    'Time that a request waited for a thread.',
    LATENCY_BUCKETS,
  );
  const duration = histogram(
    'inference_duration_seconds',
    'Time that a batch was worked on.',
    LATENCY_BUCKETS,
  );
  const batchRows = histogram('inference_batch_rows', 'Rows of a batch.', BATCH_BUCKETS);
  const rowsTotal = createCounter(registry, { name: 'inference_rows_total', help: 'Answered rows.' });
  const predictions = createCounter(registry, {
    name: 'model_predictions_total',
    help: 'Answered rows by predicted label.',
  });
  const predictedValue = histogram(
    'model_prediction_value',
    'Predicted values of a regression or a ranking.',
    VALUE_BUCKETS,
  );
  const result = createLatest(registry, { name: 'model_result', help: 'The last predicted value.' });
  const unknown = createCounter(registry, {
    name: 'model_unknown_category_total',
    help: "Cells that held none of their column's categories.",
  });
  const invalid = createCounter(registry, {
    name: 'validation_errors_total',
    help: 'Refused cells, rows and names of columns; the column is empty where it is about none of the signature.',
  });
  const ignored = createCounter(registry, {
    name: 'model_ignored_columns_total',
    help: "Columns that /invocations skipped, as the signature doesn't have them.",
  });
  const lastOf = (model: Model): Latest => result({ ...labelsOf(model), prediction: 'prediction_value' });
  const headerAbsent = createCounter(registry, {
    name: 'csv_header_absent_total',
    help: 'CSVs on /invocations whose first line was taken as a row, as it names no column.',
  });
  const requestsOf = createRequestFamilies(registry);
  const models = createLoadedModels(registry);
  /** The series of a model, from its first request on: with hundreds of models, most have none. */
  const seriesOf = perModel((model) => {
    const labels = labelsOf(model);
    const classes = labelClasses(model.output) ?? [];
    return {
      parse: parse(labels),
      queue: queue(labels),
      duration: duration(labels),
      batchRows: batchRows(labels),
      requests: requestsOf(labels),
      rows: rowsTotal(labels),
      width: answerWidth(model.output),
      // Only a regression has values.
      values:
        model.output.task === 'regression'
          ? {
              all: predictedValue(labels),
              last: lastOf(model),
            }
          : undefined,
      labels: classes.map((name) => predictions({ ...labels, label: String(name) })),
      unknown: model.signature.inputs.map(({ name, categories }) =>
        categories ? unknown({ model: model.name, column: name }) : undefined,
      ),
    };
  });
  new Gauge({
    name: 'inference_queue_rows',
    help: 'Rows that wait for a thread.',
    registers: [registry],
    collect() {
      this.set(queuedRows());
    },
  });

  return {
    batch: (model, rows, seconds) => {
      const series = seriesOf(model);
      const bucket = series.batchRows.observe(rows);
      series.duration.observe(seconds);
      series.requests.batch(bucket, seconds);
    },
    failed: (model, seconds) => {
      // The stand-in for a default model that isn't there has no series.
      if (model.version !== 0) seriesOf(model).requests.failed(seconds);
    },
    queued: (model, seconds) => seriesOf(model).queue.observe(seconds),
    answered: (model, rows, answers, seconds, began) => {
      const series = seriesOf(model);
      series.rows.add(rows.rows);
      series.requests.answered(seconds, began);
      const { width } = series;
      if (series.labels.length > 0)
        for (let at = 0; at < answers.length; at += width) series.labels[answers[at] as number]?.add(1);
      if (series.values) recordValues(series.values, answers);
      for (const { column } of rows.texts) series.unknown[column]?.add(1);
    },
    parsed: (model, seconds) => seriesOf(model).parse.observe(seconds),
    invalid: (model, refusals) => {
      for (const { reason, column, count } of refusals)
        if (count > 0) invalid({ model: model.name, column, reason }).add(count);
    },
    ignored: (model, columns) => ignored({ model: model.name }).add(columns),
    headerAbsent: (model) => headerAbsent({ model: model.name }).add(1),
    loaded: models.add,
    unloaded: (model) => {
      if (models.remove(model)) lastOf(model).forget();
    },
  };
}
