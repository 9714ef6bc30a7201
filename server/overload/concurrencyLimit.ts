import { Problem } from '../errors/problem.ts';
import type { HttpRecorder, ShedReason } from '../metrics/http.ts';
import { createLateStreak } from './patience.ts';

/** Bytes of bodies that a process holds at most, but always one body, whatever its size. */
const MAX_HELD_BYTES = 256 * 1024 * 1024;
/** The limit is never lower than this many requests. */
const LEAST = 32;
/** Consecutive late answers that don't mean overload yet: a few large requests among small ones. */
const LATE_IN_A_ROW = 16;
/** Time between two lowerings of the limit, so that the first one takes effect. */
const SETTLE_MS = 200;
const LOWERED = 0.7;

/** Refuses the requests that a process would answer too late, or whose bodies it has no memory for. */
export interface ConcurrencyLimit {
  /**
   * Called before the body is read: a refusal costs a fraction of an answer.
   *
   * @param bytes of the body, 0 if unknown; held until `leave`
   * @throws {Problem} overloaded
   */
  enter(bytes: number): void;
  /** @param ms time that the request took in this process */
  leave(bytes: number, ms: number): void;
}

/**
 * A process that accepts more than it can answer in time spends its CPU on late answers. The right limit depends on the
 * requests, so it adapts: late answers lower it by a factor, early ones raise it by one a round (additive increase,
 * multiplicative decrease, as TCP: RFC 5681).
 *
 * @param queue late: a new request would start too late
 * @param patienceMs time that an answer may take
 */
export function createConcurrencyLimit(
  queue: { readonly late: boolean },
  http: Pick<HttpRecorder, 'shed'>,
  patienceMs: number,
): ConcurrencyLimit {
  let limit = Infinity;
  let inside = 0;
  let heldBytes = 0;
  const streak = createLateStreak(LATE_IN_A_ROW);
  let loweredAt = -Infinity;
  const refuse = (reason: ShedReason): never => {
    http.shed(reason);
    throw new Problem('overloaded');
  };
  const lower = (): void => {
    const now = performance.now();
    if (now - loweredAt < SETTLE_MS) return;
    loweredAt = now;
    limit = Math.max(LEAST, Math.floor(Math.min(limit, inside) * LOWERED));
  };
  return {
    enter: (bytes) => {
      if (inside >= limit || queue.late) refuse('late');
      if (heldBytes > 0 && heldBytes + bytes > MAX_HELD_BYTES) refuse('bodies');
      heldBytes += bytes;
      inside++;
    },
    leave: (bytes, ms) => {
      streak.note(ms > patienceMs);
      if (streak.isOverload) lower();
      // One more for each round of answers.
      else if (ms < patienceMs / 2 && inside >= limit - 1) limit += 1 / limit;
      heldBytes -= bytes;
      inside--;
    },
  };
}
