import { Problem } from '../errors.ts';

/** Counts the rows that wait, and refuses what would be too many. */
export interface Admission {
  readonly waitingRows: number;
  /** @throws {Problem} overloaded */
  enter(rows: number): void;
  /** Admitted rows wait once more. */
  reenter(rows: number): void;
  leave(rows: number): void;
}

/** A request that finds the queue empty is always admitted: a body within the size limit must never be unservable. */
export function createAdmission(maxWaitingRows: number): Admission {
  let waitingRows = 0;
  return {
    get waitingRows() {
      return waitingRows;
    },
    enter: (rows) => {
      if (waitingRows > 0 && waitingRows + rows > maxWaitingRows) throw new Problem('overloaded');
      waitingRows += rows;
    },
    reenter: (rows) => {
      waitingRows += rows;
    },
    leave: (rows) => {
      waitingRows -= rows;
    },
  };
}
