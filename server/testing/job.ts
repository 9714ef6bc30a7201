import { createJob } from '../batching/job.ts';
import type { Job } from '../batching/job.ts';
import type { EncodedRows } from '../encoding/encoder.ts';
import type { Model } from '../models/model.ts';

/** A job that has just arrived, and that nobody waits for. */
export const makeJob = (model: Model, rows: EncodedRows, changes: Partial<Job> = {}): Job => ({
  ...createJob(model, rows, 'id', { release: () => {}, resolve: () => {}, reject: () => {} }),
  ...changes,
});
