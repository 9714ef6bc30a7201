import type { Job } from './job.ts';
import { createLinkedList } from './linkedList.ts';

/** Watches the deadline of every unsettled job. */
export interface Deadlines {
  watch(job: Job): void;
  forget(job: Job): void;
}

/**
 * All jobs have the same deadline, so the oldest is always the next to expire. One timer serves all: a timer for each
 * request would cost more than the rest of the queue.
 */
export function createDeadlines(deadlineMs: number, expire: (job: Job) => void): Deadlines {
  const jobs = createLinkedList<Job>((job) => job.pending);
  let timer: NodeJS.Timeout | undefined;

  const sweep = (): void => {
    timer = undefined;
    const now = performance.now();
    for (let job = jobs.first; job !== undefined && job.arrived + deadlineMs <= now; job = jobs.first)
      expire(job);
    arm();
  };
  const clearTimer = (): void => {
    clearTimeout(timer);
    timer = undefined;
  };
  const arm = (): void => {
    if (timer !== undefined || jobs.first === undefined) return;
    timer = setTimeout(sweep, Math.max(1, Math.ceil(jobs.first.arrived + deadlineMs - performance.now())));
  };

  return {
    watch: (job) => {
      // A job that waited for its decode turn enters after younger ones.
      jobs.insert(job, (other) => other.arrived > job.arrived);
      if (jobs.first === job) clearTimer();
      arm();
    },
    forget: (job) => {
      jobs.remove(job);
      if (jobs.first === undefined) clearTimer();
    },
  };
}
