import { deadline } from '../platform/deadline.ts';

const POLL_MS = 5;

/**
 * The promise, or an error that names what was waited for: a regression fails with a sentence rather than by the
 * runner's timeout.
 */
export function withDeadline<T>(what: string, promise: Promise<T>, ms = 5000): Promise<T> {
  return deadline(promise, ms, what);
}

/** Calls a function until it returns neither undefined nor false; returns that value. */
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
