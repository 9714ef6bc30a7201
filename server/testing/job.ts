import { createJob } from '../inference/job.ts';
import type { Job } from '../inference/job.ts';
import type { EncodedRows } from '../model/rows.ts';
import type { Model } from '../model/model.ts';

/** A job that has just arrived; its result isn't awaited. */
export const makeJob = (model: Model, rows: EncodedRows, changes: Partial<Job> = {}): Job => ({
  ...createJob(model, rows, 'id', { release: () => {}, resolve: () => {}, reject: () => {} }),
  ...changes,
});
