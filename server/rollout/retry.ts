/** The pause before a missing version is tried again; it doubles each time. */
const FIRST_PAUSE_MS = 5000;
const LONGEST_PAUSE_MS = 300_000;

/** Tries again after pauses that grow. */
export interface Retry {
  /** Schedules one more try, unless one is scheduled. */
  schedule(): void;
  /** The next pause is the first one again. */
  reset(): void;
}

export function createRetry(attempt: () => void, firstPauseMs = FIRST_PAUSE_MS): Retry {
  let timer: NodeJS.Timeout | undefined;
  let pauseMs = firstPauseMs;
  return {
    schedule: () => {
      timer ??= setTimeout(() => {
        timer = undefined;
        pauseMs = Math.min(2 * pauseMs, LONGEST_PAUSE_MS);
        attempt();
      }, pauseMs).unref();
    },
    reset: () => {
      pauseMs = firstPauseMs;
    },
  };
}
