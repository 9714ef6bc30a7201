import { createJob } from '../inference/job.ts';
import type { Job } from '../inference/job.ts';
import type { EncodedRows } from '../model/rows.ts';
import type { Model } from '../model/model.ts';

/** A new job without a caller. */
export const makeJob = (model: Model, rows: EncodedRows, changes: Partial<Job> = {}): Job => ({
  ...createJob(model, rows, { release: () => {}, resolve: () => {}, reject: () => {} }, { requestId: 'id' }),
  ...changes,
});
