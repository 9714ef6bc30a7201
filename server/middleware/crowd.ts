import { LATE_IN_A_ROW } from '../batching/admission.ts';
import { Problem } from '../errors.ts';
import type { Inference } from '../inference.ts';
import type { HttpRecorder, ShedReason } from '../metrics/http.ts';
import type { AppContext } from './handler.ts';
import { header } from './header.ts';

/** Bytes of bodies that a process holds at most, but always one body, whatever its size. */
const MAX_HELD_BYTES = 256 * 1024 * 1024;

/** Keeps out the requests that a process would take too late, or has no room for. */
export interface Crowd {
  /**
   * Before anything of the body is read: a refusal costs a fraction of an answer.
   *
   * @returns the bytes that are held until `leave`
   * @throws {Problem} overloaded
   */
  enter(c: AppContext): number;
  leave(bytes: number): void;
}

/**
 * A process that gets more than it can answer reads its sockets late, and would spend its time on answers that nobody
 * waits for any more. So what has waited too long already, or would wait too long for a thread, is refused.
 *
 * @param patienceMs what a request may have waited for its process
 */
export function createCrowd(
  inference: Pick<Inference, 'late'>,
  http: Pick<HttpRecorder, 'shed'>,
  patienceMs: number,
): Crowd {
  let lateInARow = 0;
  let heldBytes = 0;
  const refuse = (reason: ShedReason): never => {
    http.shed(reason);
    throw new Problem('overloaded');
  };
  return {
    enter: (c) => {
      // Seconds since the epoch, by nginx; without it nobody knows.
      const waitedMs = Date.now() - 1000 * Number(header(c, 'x-request-start') ?? NaN);
      lateInARow = waitedMs > patienceMs ? lateInARow + 1 : 0;
      if (lateInARow > LATE_IN_A_ROW || inference.late) refuse('late');
      // Unknown only without the proxy.
      const bytes = Number(header(c, 'content-length') ?? 0) || 0;
      if (heldBytes > 0 && heldBytes + bytes > MAX_HELD_BYTES) refuse('bodies');
      heldBytes += bytes;
      return bytes;
    },
    leave: (bytes) => {
      heldBytes -= bytes;
    },
  };
}
