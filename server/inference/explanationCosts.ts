import type { Model } from '../model/model.ts';
import type { ExplanationJob } from './explanationJob.ts';
import { unitsOf } from './explanationJob.ts';

/** Of the time that there is, for rows that the cost of earlier ones foretells. */
const SHARE = 0.8;

/** What units of models take: a row, or a part of a sampled one. */
export interface Costs {
  /** Milliseconds of a unit; undefined before the first. */
  of(model: Model): number | undefined;
  record(model: Model, ms: number): void;
  /** Rows of so many units that fit into the time. */
  rowsInTime(model: Model, units: number): number;
}

/** @param timeMs of all threads that explain, within a deadline */
export function createCosts(timeMs: number): Costs {
  const costs = new WeakMap<Model, { readonly ms: number; readonly slices: number }>();
  return {
    of: (model) => costs.get(model)?.ms,
    record: (model, took) => {
      const known = costs.get(model);
      const ms = Math.max(1e-3, took);
      // A slice that took longer weighs less: the thread may have waited for a processor.
      const next = !known || ms < known.ms ? ms : 0.8 * known.ms + 0.2 * ms;
      costs.set(model, { ms: next, slices: (known?.slices ?? 0) + 1 });
    },
    rowsInTime: (model, units) => {
      const cost = costs.get(model);
      // The first slice prepares the thread.
      if (!cost || cost.slices < 2) return Infinity;
      return Math.max(1, Math.floor((SHARE * timeMs) / (cost.ms * units)));
    },
  };
}

/** Requests that haven't begun and wouldn't be answered within the deadline: in turns with them none would be. */
export function lateJobs(
  queue: readonly ExplanationJob[],
  { rowsInTime }: Pick<Costs, 'rowsInTime'>,
): ExplanationJob[] {
  /** The part of the time that the rest of a request takes. */
  const shareOf = ({ model, prepared, units, sent }: ExplanationJob): number =>
    (units - sent) / unitsOf(prepared) / rowsInTime(model, unitsOf(prepared));
  let share = queue.reduce((sum, job) => (job.sent > 0 ? sum + shareOf(job) : sum), 0);
  return queue.filter((job) => {
    if (job.sent > 0) return false;
    const own = shareOf(job);
    if (share > 0 && share + own > 1) return true;
    share += own;
    return false;
  });
}
