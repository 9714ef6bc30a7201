import { Problem } from '../errors/problem.ts';
import type { Backlog } from './largeBacklog.ts';
import { createLateStreak, patienceOf } from './patience.ts';
import { LATE_IN_A_ROW } from './queueAdmission.ts';

/** Milliseconds of decoding in one turn of the event loop; then finished answers come first. */
const TURN_MS = 10;
/** Less isn't counted: a single row must not pay for that. */
const SMALL_MS = 0.05;

/** A small body is decoded at once, and adds next to nothing to the backlog. */
export type BodySize = 'small' | 'large';

/** Divides the event loop between the decoding of bodies and everything else. */
export interface DecodeTurn {
  /** A large body would have to wait. */
  readonly isOver: boolean;
  isOverFor(size: BodySize): boolean;
  spend(ms: number): void;
  /**
   * Resolves in a turn with time left and, for a large body, once the backlog has room: first in, first out among
   * bodies of its size.
   *
   * @param since when the request arrived, by `performance.now()`: under load, reading a large body takes long, too
   * @throws {Problem} overloaded, if that is too late; deadline_exceeded
   */
  next(since: number, size: BodySize): Promise<void>;
}

/** The waiting bodies of one size. */
interface Line {
  readonly length: number;
  join(since: number): Promise<void>;
  /** Lets the first one go on, or refuses it when too many in a row were late. */
  advance(): void;
}

interface Waiting {
  readonly since: number;
  readonly go: () => void;
  readonly refuse: (error: Problem) => void;
}

function createLine(deadlineMs: number): Line {
  const waiting: Waiting[] = [];
  const patienceMs = patienceOf(deadlineMs);
  const streak = createLateStreak(LATE_IN_A_ROW);
  let timer: NodeJS.Timeout | undefined;
  const hasWaited = ({ since }: Waiting, ms: number): boolean => performance.now() - since > ms;
  const refuse = (at: number, code: 'deadline_exceeded' | 'overloaded'): void =>
    waiting.splice(at, 1)[0]?.refuse(new Problem(code));
  /** While the backlog is full, nothing goes on: this refuses bodies that have waited too long. */
  const sweep = (): void => {
    timer = undefined;
    while (waiting[0] !== undefined && hasWaited(waiting[0], deadlineMs)) refuse(0, 'deadline_exceeded');
    // The first LATE_IN_A_ROW late ones may still get their turn; more of them are overload.
    for (
      let late = waiting[LATE_IN_A_ROW];
      late && hasWaited(late, patienceMs);
      late = waiting[LATE_IN_A_ROW]
    )
      refuse(LATE_IN_A_ROW, 'overloaded');
    arm();
  };
  const arm = (): void => {
    if (waiting.length > 0) timer ??= setTimeout(sweep, patienceMs / 4).unref();
  };
  return {
    get length() {
      return waiting.length;
    },
    join: (since) =>
      new Promise((go, refuse) => {
        waiting.push({ since, go, refuse });
        arm();
      }),
    advance: () => {
      const first = waiting.shift();
      if (!first) return;
      streak.note(hasWaited(first, patienceMs));
      if (streak.isOverload) first.refuse(new Problem('overloaded'));
      else first.go();
    },
  };
}

/**
 * Under load one turn brings hundreds of bodies. Decoding all of them at once would delay the threads' replies, and the
 * threads would idle meanwhile. Decoding more than the threads can take makes hundreds of requests end late together.
 *
 * @param deadlineMs time that a request may wait; under overload a part of it: see patience.ts
 */
export function createDecodeTurn(deadlineMs: number, backlog: Backlog): DecodeTurn {
  const small = createLine(deadlineMs);
  const large = createLine(deadlineMs);
  let spentMs = 0;
  let scheduled = false;
  /** In each turn one large body goes ahead of the small ones, or it might wait forever. */
  let largeIsAhead = false;
  const next = (): Line | undefined => {
    const mayBeLarge = large.length > 0 && !backlog.isFull;
    if (mayBeLarge && (largeIsAhead || small.length === 0)) return large;
    return small.length > 0 ? small : undefined;
  };
  const begin = (): void => {
    scheduled = false;
    spentMs = 0;
    largeIsAhead = true;
    if (next() === undefined) return;
    schedule();
    letIn();
  };
  const schedule = (): void => {
    if (scheduled) return;
    scheduled = true;
    setImmediate(begin);
  };
  /** A body is decoded in a microtask, which spends time; the next one is considered after that. */
  const letIn = (): void => {
    const line = spentMs < TURN_MS ? next() : undefined;
    if (line === undefined) return;
    if (line === large) largeIsAhead = false;
    line.advance();
    queueMicrotask(letIn);
  };
  backlog.onRoom(() => {
    if (large.length > 0) schedule();
  });
  const isOverFor = (size: BodySize): boolean =>
    spentMs >= TURN_MS || small.length > 0 || (size === 'large' && (large.length > 0 || backlog.isFull));
  return {
    get isOver() {
      return isOverFor('large');
    },
    isOverFor,
    spend: (ms) => {
      if (ms < SMALL_MS) return;
      spentMs += ms;
      schedule();
    },
    next: (since, size) => {
      schedule();
      return (size === 'small' ? small : large).join(since);
    },
  };
}
