import { LATE_IN_A_ROW } from './batching/admission.ts';
import { Problem } from './errors.ts';

/** Milliseconds of decoding in one turn of the event loop, after which those that have answers to give come first. */
const TURN_MS = 10;
/** Less than that is not worth counting: a single row must not pay for it. */
const SMALL_MS = 0.05;

/** Divides the event loop between reading requests and all the rest. */
export interface Turn {
  /** Whether this turn's time is used up. */
  readonly isOver: boolean;
  spend(ms: number): void;
  /**
   * Resolves in a turn that has time left, first come, first served.
   *
   * @param since when the request came, by `performance.now()`: reading a large body in a crowd takes long, too
   * @throws {Problem} overloaded, if that is too late
   */
  next(since: number): Promise<void>;
}

/**
 * In a crowd one turn brings hundreds of bodies. Were all of them decoded at once, the threads' replies would wait
 * for it, the threads would be idle meanwhile, and hardly anything would be answered at all.
 *
 * @param patienceMs what a request may wait until it is decoded
 */
export function createTurn(patienceMs: number): Turn {
  const waiting: {
    readonly since: number;
    readonly go: () => void;
    readonly refuse: (error: Problem) => void;
  }[] = [];
  let spentMs = 0;
  let lateInARow = 0;
  let scheduled = false;
  const begin = (): void => {
    scheduled = false;
    spentMs = 0;
    if (waiting.length > 0) {
      schedule();
      letIn();
    }
  };
  const schedule = (): void => {
    if (scheduled) return;
    scheduled = true;
    setImmediate(begin);
  };
  /** Each goes on in a microtask, where it spends its time; the next one is looked at behind that. */
  const letIn = (): void => {
    if (spentMs >= TURN_MS) return;
    const first = waiting.shift();
    if (!first) return;
    lateInARow = performance.now() - first.since > patienceMs ? lateInARow + 1 : 0;
    if (lateInARow > LATE_IN_A_ROW) first.refuse(new Problem('overloaded'));
    else first.go();
    queueMicrotask(letIn);
  };
  return {
    get isOver() {
      return spentMs >= TURN_MS || waiting.length > 0;
    },
    spend: (ms) => {
      if (ms < SMALL_MS) return;
      spentMs += ms;
      schedule();
    },
    next: (since) =>
      new Promise((go, refuse) => {
        waiting.push({ since, go, refuse });
        schedule();
      }),
  };
}
