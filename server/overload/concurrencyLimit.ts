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

/** Requests that may wait for a place. A paused connection holds at most one read, 64 KiB. */
const MOST_WAITING = 1024;

/** Delays or refuses the requests that a process would answer too late, or whose bodies it has no memory for. */
export interface ConcurrencyLimit {
  /**
   * Called before the body is read.
   *
   * @param bytes of the body, 0 if unknown; held until `leave`
   * @returns whether the request has a place
   */
  enter(bytes: number): boolean;
  /**
   * Waits for a place, as long as the patience lasts. Meanwhile the body isn't read, and costs less than a refusal: nginx
   * counts the request, and refuses others instead.
   *
   * @param end called once, at once or later, with whether the request has a place; a refusal is counted
   */
  wait(bytes: number, end: (entered: boolean) => void): void;
  /** @param ms time that the request took since it had its place */
  leave(bytes: number, ms: number): void;
}

interface Waiting {
  readonly bytes: number;
  readonly since: number;
  readonly end: (entered: boolean) => void;
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
  /** The newest is last. It goes first: if a crowd stays, the oldest would be answered late, and so would all after them. */
  const line: Waiting[] = [];
  let timer: NodeJS.Timeout | undefined;
  const hasRoom = (bytes: number): boolean => heldBytes === 0 || heldBytes + bytes <= MAX_HELD_BYTES;
  const take = (bytes: number): void => {
    heldBytes += bytes;
    inside++;
  };
  const refuse = (reason: ShedReason, end: Waiting['end']): void => {
    http.shed(reason);
    end(false);
  };
  const sweep = (): void => {
    timer = undefined;
    // The queue may be in time again without an answer here.
    letIn();
    const before = performance.now() - patienceMs;
    while (line[0] !== undefined && line[0].since <= before) refuse('late', (line.shift() as Waiting).end);
    arm();
  };
  const arm = (): void => {
    if (line.length > 0) timer ??= setTimeout(sweep, patienceMs / 4);
  };
  const letIn = (): void => {
    while (line.length > 0 && inside < limit && !queue.late) {
      const { bytes, end } = line.pop() as Waiting;
      if (!hasRoom(bytes)) {
        refuse('bodies', end);
        continue;
      }
      take(bytes);
      end(true);
    }
  };
  const lower = (): void => {
    const now = performance.now();
    if (now - loweredAt < SETTLE_MS) return;
    loweredAt = now;
    limit = Math.max(LEAST, Math.floor(Math.min(limit, inside) * LOWERED));
  };
  return {
    enter: (bytes) => {
      if (inside >= limit || line.length > 0 || queue.late || !hasRoom(bytes)) return false;
      take(bytes);
      return true;
    },
    wait: (bytes, end) => {
      if (!hasRoom(bytes)) refuse('bodies', end);
      else if (line.length >= MOST_WAITING) refuse('late', end);
      else {
        line.push({ bytes, since: performance.now(), end });
        arm();
      }
    },
    leave: (bytes, ms) => {
      streak.note(ms > patienceMs);
      if (streak.isOverload) lower();
      // One more for each round of answers.
      else if (ms < patienceMs / 2 && inside >= limit - 1) limit += 1 / limit;
      heldBytes -= bytes;
      inside--;
      if (line.length > 0) letIn();
    },
  };
}
