import { Problem } from '../errors/problem.ts';

/** One late request is a stall; that many in a row mean that more comes than can be answered. */
export const LATE_IN_A_ROW = 64;

/** Counts the rows that wait, and refuses what would be too many. */
export interface Admission {
  readonly waitingRows: number;
  /** Requests have waited so long, one after the other, that a new one would come to its turn too late. */
  readonly late: boolean;
  /** @throws {Problem} overloaded */
  enter(rows: number): void;
  /** Admitted rows wait once more. */
  reenter(rows: number): void;
  leave(rows: number): void;
  /** A request began, that had waited so long. */
  began(waitedMs: number): void;
}

/**
 * A request that finds the queue empty is always admitted: a body within the size limit must never be unservable.
 *
 * @param maxWaitMs what a request may have waited when it begins
 */
export function createAdmission(maxWaitingRows: number, maxWaitMs = Infinity): Admission {
  let waitingRows = 0;
  /** Requests that began late, since one began in time. */
  let lateInARow = 0;
  const isLate = (): boolean => waitingRows > 0 && lateInARow > LATE_IN_A_ROW;
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
    began: (ms) => {
      lateInARow = ms > maxWaitMs ? lateInARow + 1 : 0;
    },
  };
}
