import { Problem } from '../errors/problem.ts';
import type { Inference } from '../inference/port.ts';
import type { HttpRecorder, ShedReason } from '../metrics/http.ts';
import type { AppContext } from '../http/context.ts';
import { header } from '../http/header.ts';

/** Bytes of bodies that a process holds at most, but always one body, whatever its size. */
const MAX_HELD_BYTES = 256 * 1024 * 1024;
/** So many requests may always be inside. */
const LEAST = 32;
/** Late answers in a row that are no chance: a few large requests among small ones are none. */
const LATE_IN_A_ROW = 16;
/** A limit that was lowered is given so long to show what it does. */
const SETTLE_MS = 200;
const LOWERED = 0.7;

/** Keeps out the requests that a process would answer too late, or has no room for. */
export interface Crowd {
  /**
   * Before anything of the body is read: a refusal costs a fraction of an answer.
   *
   * @returns the bytes that are held until `leave`
   * @throws {Problem} overloaded
   */
  enter(c: AppContext): number;
  /** @param ms what the request took in this process */
  leave(bytes: number, ms: number): void;
}

/**
 * A process that takes more than it can answer in time spends itself on answers that come too late. How much that is
 * depends on the requests, so it is found out: while answers are late, fewer requests are let in at once, by a factor;
 * while they are early and there are more to come, one more (additive increase, multiplicative decrease, as in TCP:
 * RFC 5681).
 *
 * @param patienceMs what an answer may take
 */
export function createCrowd(
  inference: Pick<Inference, 'late'>,
  http: Pick<HttpRecorder, 'shed'>,
  patienceMs: number,
): Crowd {
  let limit = Infinity;
  let inside = 0;
  let heldBytes = 0;
  let lateInARow = 0;
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
    enter: (c) => {
      if (inside >= limit || inference.late) refuse('late');
      // Unknown only without the proxy.
      const bytes = Number(header(c, 'content-length') ?? 0) || 0;
      if (heldBytes > 0 && heldBytes + bytes > MAX_HELD_BYTES) refuse('bodies');
      heldBytes += bytes;
      inside++;
      return bytes;
    },
    leave: (bytes, ms) => {
      if (ms > patienceMs) {
        if (++lateInARow > LATE_IN_A_ROW) lower();
      } else {
        lateInARow = 0;
        // One more for each round of answers.
        if (ms < patienceMs / 2 && inside >= limit - 1) limit += 1 / limit;
      }
      heldBytes -= bytes;
      inside--;
    },
  };
}
