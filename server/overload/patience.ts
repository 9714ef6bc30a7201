/** The part of the deadline that a request may wait before it is decoded or scored: the rest is for its answer. */
const SHARE = 1 / 4;

/** Milliseconds that a request may wait under load. @param deadlineMs the deadline of a request */
export const patienceOf = (deadlineMs: number): number => deadlineMs * SHARE;

/** Consecutive late requests; one that is in time ends the streak. A single late request is a stall, many are overload. */
export interface LateStreak {
  /** More than `most` requests in a row were late. */
  readonly isOverload: boolean;
  note(late: boolean): void;
}

/** @param most late requests in a row that don't mean overload yet */
export function createLateStreak(most: number): LateStreak {
  let count = 0;
  return {
    get isOverload() {
      return count > most;
    },
    note: (late) => {
      count = late ? count + 1 : 0;
    },
  };
}
