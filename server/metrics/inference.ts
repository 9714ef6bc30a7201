import type { Registry } from 'prom-client';
import { Counter, Gauge, Histogram } from 'prom-client';
import type { CellError } from '../errors.ts';
import type { EncodedRows } from '../encoding/encoder.ts';
import type { Model } from '../models/model.ts';
import { BATCH_BUCKETS, LATENCY_BUCKETS } from './buckets.ts';

/** Records what inference does. All labels come from model signatures. */
export interface InferenceRecorder {
  batch(model: Model, rows: number, seconds: number): void;
  queued(model: Model, seconds: number): void;
  answered(model: Model, rows: EncodedRows, answers: Float64Array): void;
  invalid(model: Model, errors: readonly CellError[]): void;
  loaded(model: Model, seconds: number): void;
}

/** The inference families of one process. */
export function createInferenceRecorder(registry: Registry, queuedRows: () => number): InferenceRecorder {
  const registers = [registry];
  const labelNames = ['model', 'version'] as const;
  const label = ({ name, version }: Model): { model: string; version: number } => ({ model: name, version });
  const histogram = (name: string, help: string, buckets: number[]): Histogram<'model' | 'version'> =>
    new Histogram({ name, help, labelNames, buckets, registers });

  const queue = histogram(
    'inference_queue_seconds',
    'Time that a request waited for a thread.',
    LATENCY_BUCKETS,
  );
  const duration = histogram(
    'inference_duration_seconds',
    'Time that a thread spent on a batch.',
    LATENCY_BUCKETS,
  );
  const batchRows = histogram('inference_batch_rows', 'Rows of a batch.', BATCH_BUCKETS);
  const rowsTotal = new Counter({
    name: 'inference_rows_total',
    help: 'Answered rows.',
    labelNames,
    registers,
  });
  const predictions = new Counter({
    name: 'model_predictions_total',
    help: 'Answered rows by predicted label.',
    labelNames: ['model', 'version', 'label'],
    registers,
  });
  const unknown = new Counter({
    name: 'model_unknown_category_total',
    help: "Cells that held none of their column's categories.",
    labelNames: ['model', 'column'],
    registers,
  });
  const invalid = new Counter({
    name: 'validation_errors_total',
    help: 'Refused cells by column; refused rows without one.',
    labelNames: ['model', 'column'],
    registers,
  });
  const load = new Gauge({
    name: 'model_load_duration_seconds',
    help: 'Time to open and verify the model in all threads.',
    labelNames,
    aggregator: 'max',
    registers,
  });
  const ready = new Gauge({
    name: 'model_ready',
    help: 'Processes in which the model can predict.',
    labelNames,
    registers,
  });
  const info = new Gauge({
    name: 'model_info',
    help: 'Served model versions.',
    labelNames: ['model', 'version', 'sha256', 'engine', 'path'],
    aggregator: 'first',
    registers,
  });
  new Gauge({
    name: 'inference_queue_rows',
    help: 'Rows that wait for a thread.',
    registers,
    collect() {
      this.set(queuedRows());
    },
  });

  const engineLabels = ({ engine: { engine, path } }: Model) => ({ engine, path });
  const countLabels = (model: Model, answers: Float64Array): void => {
    if (model.output.task !== 'classification') return;
    const { classes } = model.output;
    const counts = new Array<number>(classes.length).fill(0);
    for (let at = 0; at < answers.length; at += classes.length + 1)
      (counts[answers[at] as number] as number)++;
    counts.forEach((count, code) => {
      if (count > 0) predictions.inc({ ...label(model), label: String(classes[code]) }, count);
    });
  };

  return {
    batch: (model, rows, seconds) => {
      batchRows.observe(label(model), rows);
      duration.observe(label(model), seconds);
    },
    queued: (model, seconds) => queue.observe(label(model), seconds),
    answered: (model, rows, answers) => {
      rowsTotal.inc(label(model), rows.rows);
      countLabels(model, answers);
      for (const { column } of rows.texts) {
        const input = model.signature.inputs[column];
        if (input?.categories) unknown.inc({ model: model.name, column: input.name });
      }
    },
    invalid: (model, errors) => {
      for (const { column = '' } of errors) invalid.inc({ model: model.name, column });
    },
    loaded: (model, seconds) => {
      load.set(label(model), seconds);
      ready.set(label(model), 1);
      info.set({ ...label(model), sha256: model.signature.sha256 ?? '', ...engineLabels(model) }, 1);
    },
  };
}
