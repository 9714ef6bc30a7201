import { Problem } from '../errors/problem.ts';
import type { Backlog } from './largeBacklog.ts';
import { createLateStreak, patienceOf } from './patience.ts';
import { LATE_IN_A_ROW } from './queueAdmission.ts';

/** Milliseconds of decoding in one turn of the event loop, after which those that have answers to give come first. */
const TURN_MS = 10;
/** Less than that is not worth counting: a single row must not pay for it. */
const SMALL_MS = 0.05;

/** A small body is decoded in no time, and adds next to nothing to the backlog. */
export type BodySize = 'small' | 'large';

/** Divides the event loop between reading requests and all the rest. */
export interface DecodeTurn {
  /** Whether a body has to wait until it is decoded, if it isn't small. */
  readonly isOver: boolean;
  isOverFor(size: BodySize): boolean;
  spend(ms: number): void;
  /**
   * Resolves in a turn that has time left and, for a large body, once the backlog has room: first come, first served,
   * among those of its size.
   *
   * @param since when the request came, by `performance.now()`: reading a large body in a crowd takes long, too
   * @throws {Problem} overloaded, if that is too late; deadline_exceeded
   */
  next(since: number, size: BodySize): Promise<void>;
}

/** Those that wait. */
interface Line {
  readonly length: number;
  join(since: number): Promise<void>;
  /** The first goes on, or is refused: when too many in a row have waited too long. */
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
  /** While the backlog is full, none goes on: those that it takes too long for needn't wait for that. */
  const sweep = (): void => {
    timer = undefined;
    while (waiting[0] !== undefined && hasWaited(waiting[0], deadlineMs)) refuse(0, 'deadline_exceeded');
    // Of some late ones each may yet come to its turn; of a crowd, no more than these.
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
 * In a crowd one turn brings hundreds of bodies. Were all of them decoded at once, the threads' replies would wait
 * for it, the threads would be idle meanwhile, and hardly anything would be answered at all. Nor would it help to decode
 * what the threads can't work on yet: hundreds of bodies that go through them side by side all end late.
 *
 * @param deadlineMs what a request may wait, be it alone; a crowd a part of that
 */
export function createDecodeTurn(deadlineMs: number, backlog: Backlog): DecodeTurn {
  const small = createLine(deadlineMs);
  const large = createLine(deadlineMs);
  let spentMs = 0;
  let scheduled = false;
  /** One large body in each turn goes ahead of the small ones: it would have to wait for ever. */
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
  /** Each goes on in a microtask, where it spends its time; the next one is looked at behind that. */
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
