import { Problem } from '../errors/problem.ts';

/** The time that a request has, until its deadline or its caller's disconnect. */
export interface Within {
  /** Rejects once the time is over. */
  race<T>(promise: Promise<T>): Promise<T>;
  /** The one listener is called then, or now if it is over. */
  onEnd(listener: (error: Problem) => void): void;
  close(): void;
}

export function createWithin(deadlineMs: number, signal: AbortSignal): Within {
  let over: Problem | undefined;
  let listener: ((error: Problem) => void) | undefined;
  const end = (error: Problem): void => {
    over ??= error;
    listener?.(over);
  };
  const onAbort = (): void => end(new Problem('request_timeout'));
  const timer = setTimeout(
    () => end(new Problem('deadline_exceeded', { detail: 'The explanation did not finish in time.' })),
    deadlineMs,
  );
  if (signal.aborted) onAbort();
  else signal.addEventListener('abort', onAbort, { once: true });
  const onEnd = (next: (error: Problem) => void): void => {
    listener = next;
    if (over) next(over);
  };
  return {
    onEnd,
    race: (promise) =>
      new Promise((resolve, reject) => {
        onEnd(reject);
        promise.then(resolve, reject);
      }),
    close: () => {
      clearTimeout(timer);
      listener = undefined;
      signal.removeEventListener('abort', onAbort);
    },
  };
}
