import { deadline } from '../platform/deadline.ts';

const POLL_MS = 5;

/**
 * The promise, or an error that names what was waited for: a regression fails with a sentence instead of idling
 * until the runner gives up.
 */
export function withDeadline<T>(what: string, promise: Promise<T>, ms = 5000): Promise<T> {
  return deadline(promise, ms, what);
}

/** Asks again and again, until the answer is neither undefined nor false; and returns it. */
export async function eventually<T>(
  what: string,
  check: () => T | Promise<T>,
  ms = 5000,
): Promise<Exclude<Awaited<T>, false | undefined>> {
  const end = performance.now() + ms;
  for (;;) {
    const found = await withDeadline(what, Promise.resolve(check()), Math.max(1, end - performance.now()));
    if (found !== undefined && found !== false) return found as Exclude<Awaited<T>, false | undefined>;
    if (performance.now() > end) throw new Error(`${what}: not within ${ms} ms`);
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}
