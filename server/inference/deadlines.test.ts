import { afterEach, describe, expect, it, vi } from 'vitest';
import { makeJob } from '../testing/job.ts';
import { tinyModel, tinyRows } from '../testing/tinyModel.ts';
import { eventually } from '../testing/withDeadline.ts';
import { createDeadlines } from './deadlines.ts';
import type { Job } from './job.ts';

const DEADLINE_MS = 40;
const model = tinyModel();
const job = (arrived = performance.now()): Job => makeJob(model, tinyRows([1]), { arrived });

afterEach(() => void vi.restoreAllMocks());

/** Deadlines that note what expires, as the queue does: an expired job is forgotten. */
function watchExpiry() {
  const expired: { job: Job; at: number }[] = [];
  const deadlines = createDeadlines(DEADLINE_MS, (late) => {
    expired.push({ job: late, at: performance.now() });
    deadlines.forget(late);
  });
  return { deadlines, expired };
}

describe('deadlines', () => {
  it('expire each job once, in order of arrival, not before its time', async () => {
    const { deadlines, expired } = watchExpiry();
    const start = performance.now();
    const jobs = [job(start), job(start + 15), job(start + 15), job(start + 30)];
    for (const each of jobs) deadlines.watch(each);
    await eventually('the last job expires', () => expired.length === jobs.length);
    expect(expired.map((entry) => jobs.indexOf(entry.job))).toEqual([0, 1, 2, 3]);
    for (const entry of expired) expect(entry.at).toBeGreaterThanOrEqual(entry.job.arrived + DEADLINE_MS);
  });

  it('expire one first that comes later, and has waited elsewhere', async () => {
    const { deadlines, expired } = watchExpiry();
    const start = performance.now();
    // The other two expire in an hour.
    const jobs = [job(start + 3_600_000), job(start + 3_600_010), job(start - 20)] as const;
    for (const each of jobs) deadlines.watch(each);
    await eventually('the earliest job expires', () => expired.length > 0);
    expect(expired.map((entry) => jobs.indexOf(entry.job))).toEqual([2]);
    for (const each of jobs) deadlines.forget(each);
  });

  it('pass over a job that was forgotten', async () => {
    const { deadlines, expired } = watchExpiry();
    const jobs = [job(), job(), job()] as const;
    for (const each of jobs) deadlines.watch(each);
    deadlines.forget(jobs[0]);
    deadlines.forget(jobs[1]);
    await eventually('the job that is left expires', () => expired.length > 0);
    expect(expired.map((entry) => jobs.indexOf(entry.job))).toEqual([2]);
  });

  it('run again after a pause', async () => {
    const { deadlines, expired } = watchExpiry();
    deadlines.watch(job());
    await eventually('the first job expires', () => expired.length === 1);
    deadlines.watch(job());
    await eventually('the second job expires', () => expired.length === 2);
  });

  it('keep one timer, whatever waits, and none when nothing does', () => {
    const set = vi.spyOn(globalThis, 'setTimeout');
    const clear = vi.spyOn(globalThis, 'clearTimeout');
    const { deadlines } = watchExpiry();
    const jobs = Array.from({ length: 100 }, () => job());
    for (const each of jobs) deadlines.watch(each);
    expect(set).toHaveBeenCalledTimes(1);
    for (const each of jobs) deadlines.forget(each);
    expect(clear).toHaveBeenCalledWith(set.mock.results[0]?.value);
  });
});
