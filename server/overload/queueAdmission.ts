import { Problem } from '../errors/problem.ts';
import { createLateStreak } from './patience.ts';

/** Consecutive late requests that don't mean overload yet: one late request is a stall. */
export const LATE_IN_A_ROW = 64;

/** Counts the queued rows, and refuses requests that would exceed the queue's bound. */
export interface QueueAdmission {
  readonly waitingRows: number;
  /** Queued requests start late, so a new one would start too late. */
  readonly late: boolean;
  /** @throws {Problem} overloaded */
  enter(rows: number): void;
  /** Admitted rows are queued again. */
  reenter(rows: number): void;
  leave(rows: number): void;
  /** The first row of a request went to a thread, after this wait in the queue. */
  began(waitedMs: number): void;
}

/**
 * A request that finds the queue empty is always admitted: a body within the size limit must never be unservable.
 *
 * @param maxWaitMs longest wait in the queue that isn't late
 */
export function createQueueAdmission(maxWaitingRows: number, maxWaitMs = Infinity): QueueAdmission {
  let waitingRows = 0;
  const streak = createLateStreak(LATE_IN_A_ROW);
  const isLate = (): boolean => waitingRows > 0 && streak.isOverload;
  return {
    get late() {
      return isLate();
    },
    get waitingRows() {
      return waitingRows;
    },
    enter: (rows) => {
      if (isLate() || (waitingRows > 0 && waitingRows + rows > maxWaitingRows))
        throw new Problem('overloaded');
      waitingRows += rows;
    },
    reenter: (rows) => {
      waitingRows += rows;
    },
    leave: (rows) => {
      waitingRows -= rows;
    },
    began: (ms) => streak.note(ms > maxWaitMs),
  };
}
