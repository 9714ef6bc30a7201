/** This many exits within WITHIN_MS count as a crash loop. */
const MANY_EXITS = 5;
const WITHIN_MS = 10_000;
const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 10_000;

/** Decides when a process that died is replaced: at once, or in a crash loop after growing pauses. */
export interface RestartPauses {
  /**
   * A process has died, ready or not.
   *
   * @param livedMs since its start
   * @returns the time to wait before the next start
   */
  died(livedMs: number): number;
}

export function createRestartPauses(now: () => number = () => performance.now()): RestartPauses {
  let exits: number[] = [];
  /** Consecutive pauses, each twice as long as the one before. */
  let pauses = 0;
  return {
    died: (livedMs) => {
      const time = now();
      exits = [...exits.filter((exit) => time - exit < WITHIN_MS), time];
      if (livedMs >= WITHIN_MS) pauses = 0;
      else if (pauses > 0 || exits.length >= MANY_EXITS) pauses++;
      return pauses === 0 ? 0 : Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** (pauses - 1));
    },
  };
}
