/** Shows how far a run is. */
export interface Progress {
  /** Work outside the plan. */
  say(text: string): void;
  /** Begins the next step of the plan. */
  step(text: string): void;
  end(): void;
}

const CLEAR_LINE = '\r\x1b[K';

export interface ProgressOptions {
  /** Steps of the plan, all of about the same length. */
  readonly steps: number;
  readonly write: (text: string) => void;
  /** On a terminal, each line replaces the last one. */
  readonly terminal: boolean;
  /** A monotonic clock in ms. */
  readonly now: () => number;
}

export function createProgress({ steps, write, terminal, now }: ProgressOptions): Progress {
  let done = 0;
  let began: number | undefined;
  const line = (text: string): void => write(terminal ? `${CLEAR_LINE}${text}` : `${text}\n`);
  return {
    say: (text) => line(text),
    step: (text) => {
      began ??= now();
      const left = done === 0 ? '' : `, about ${duration(((now() - began) / done) * (steps - done))} left`;
      done += 1;
      line(`[${String(done).padStart(String(steps).length)}/${steps}] ${text}${left}`);
    },
    end: () => write(terminal ? CLEAR_LINE : ''),
  };
}

function duration(ms: number): string {
  const seconds = Math.round(ms / 1000);
  return seconds < 100 ? `${seconds} s` : `${Math.round(seconds / 60)} min`;
}
