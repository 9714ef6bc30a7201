import type { Logger } from 'pino';
import type { Listener } from '../http/listen.ts';
import type { Lifecycle } from '../http/routes/health.ts';
import type { ShutdownStep } from '../platform/shutdown.ts';
import { shutdown } from '../platform/shutdown.ts';

/** Time that requests have to finish beside their deadline. */
const FINISH_GRACE_MS = 500;

export interface LifecycleOptions {
  readonly deadlineMs: number;
  readonly log: Logger;
  /** Ends this process. */
  readonly exit: (code: number) => void;
  /** Ends this process at once, when a thread that can't be stopped prevents an orderly end. */
  readonly kill: () => void;
}

export interface DrainSteps {
  /** Called first: stops what would still act. */
  readonly stop: () => void;
  /** Run once the requests are finished. */
  readonly steps: readonly ShutdownStep[];
  /** Awaited last, without a deadline. */
  readonly last: () => Promise<void>;
}

/** Whether this process serves, and how it ends. */
export interface ProcessLifecycle extends Lifecycle {
  /** The primary's word: all processes have been ready, and the server isn't ending. */
  admit(admitted: boolean): void;
  /** `serving` depends on it from now on. */
  attachSelfTest(selfTest: { readonly passes: boolean }): void;
  /** An end waits for its requests from now on. */
  attachListener(listener: Pick<Listener, 'close'>): void;
  /** A thread is lost for good: finishes the requests, then ends this process, which the primary replaces. */
  giveUp(reason: string): void;
  /** Finishes the requests, then ends this process in order. */
  drain(steps: DrainSteps): Promise<void>;
}

export function createLifecycle({ deadlineMs, log, exit, kill }: LifecycleOptions): ProcessLifecycle {
  let admitted = false;
  let draining = false;
  let selfTest: { readonly passes: boolean } | undefined;
  let listener: Pick<Listener, 'close'> | undefined;

  const finishAndKill = async (): Promise<void> => {
    await shutdown([{ name: 'answer', deadlineMs, run: () => listener?.close() }], log);
    kill();
  };
  return {
    get serving() {
      return admitted && selfTest?.passes === true;
    },
    get draining() {
      return draining;
    },
    admit: (next) => {
      admitted = next;
    },
    attachSelfTest: (next) => {
      selfTest = next;
    },
    attachListener: (next) => {
      listener = next;
    },
    giveUp: (reason) => {
      if (draining) return;
      draining = true;
      log.error({ reason }, 'ending this process to be replaced');
      void finishAndKill();
    },
    drain: async ({ stop, steps, last }) => {
      if (draining) return;
      draining = true;
      stop();
      const finish: ShutdownStep = {
        name: 'finish requests',
        deadlineMs: deadlineMs + FINISH_GRACE_MS,
        run: () => listener?.close(),
      };
      const clean = await shutdown([finish, ...steps], log);
      await last();
      // Ending a thread that runs a model aborts the process, which looks like a crash.
      if (clean) exit(0);
      else kill();
    },
  };
}
