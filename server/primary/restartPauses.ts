/** So many ends of a process within this time are no chance any more. */
const MANY = 5;
const WITHIN_MS = 10_000;
const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 10_000;

/** Decides how soon a process that died is replaced: at once, unless that happens again and again. */
export interface Restarts {
  /**
   * A process has died, ready or not.
   *
   * @param livedMs since its start
   * @returns the time to wait before the next start
   */
  died(livedMs: number): number;
}

export function createRestarts(now: () => number = () => performance.now()): Restarts {
  let ends: number[] = [];
  /** Pauses in a row, each twice as long as the one before. */
  let pauses = 0;
  return {
    died: (livedMs) => {
      const time = now();
      ends = [...ends.filter((end) => time - end < WITHIN_MS), time];
      if (livedMs >= WITHIN_MS) pauses = 0;
      else if (pauses > 0 || ends.length >= MANY) pauses++;
      return pauses === 0 ? 0 : Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** (pauses - 1));
    },
  };
}
