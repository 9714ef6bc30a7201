/** The pause before what is missing is tried again, which doubles each time. */
const FIRST_PAUSE_MS = 5000;
const LONGEST_PAUSE_MS = 300_000;

/** Tries again, ever less often. */
export interface Retry {
  /** One more try is due. */
  later(): void;
  /** Something has changed: the next try is soon again. */
  reset(): void;
}

export function createRetry(attempt: () => void, firstPauseMs = FIRST_PAUSE_MS): Retry {
  let timer: NodeJS.Timeout | undefined;
  let pauseMs = firstPauseMs;
  return {
    later: () => {
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
