import type { Job } from '../batching/job.ts';
import type { EncodedRows } from '../encoding/encoder.ts';
import type { Model } from '../models/model.ts';

/** A job that has just arrived. */
export const makeJob = (model: Model, rows: EncodedRows, changes: Partial<Job> = {}): Job => ({
  model,
  rows,
  requestId: 'id',
  answers: new Float64Array(rows.rows),
  arrived: performance.now(),
  started: NaN,
  sent: 0,
  sentTexts: 0,
  answered: 0,
  attempt: 0,
  alone: false,
  settled: false,
  waiting: { previous: undefined, next: undefined },
  pending: { previous: undefined, next: undefined },
  resolve: () => {},
  reject: () => {},
  ...changes,
});
