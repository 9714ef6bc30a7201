/** Tells the person who waits how far a run is. */
export interface Progress {
  /** What is being done outside the plan, before its first step. */
  say(text: string): void;
  /** The next step of the plan begins. */
  step(text: string): void;
  end(): void;
}

const CLEAR_LINE = '\r\x1b[K';

export interface ProgressOptions {
  /** Steps of the plan, all of about the same length. */
  readonly steps: number;
  readonly write: (text: string) => void;
  /** On a terminal one line is written over and over. */
  readonly terminal: boolean;
  /** Milliseconds since any moment. */
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
