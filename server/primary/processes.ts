import cluster from 'node:cluster';
import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from 'pino';
import type { Config } from '../settings/settings.ts';
import { takeInFlight } from '../platform/inFlightNotes.ts';
import type { ToProcess } from '../messages.ts';
import { createRestartPauses } from './restartPauses.ts';
import type { Child, Report, Slot } from './slots.ts';
import { StartFailure, startChild, sendTo } from './slots.ts';

/** Consecutive failed starts that end the server, if no process serves. */
const MAX_FAILED_STARTS = 5;
const FIRST_BACKOFF_MS = 100;
const LONGEST_BACKOFF_MS = 10_000;
/** Time that a process has to exit after `drain`, beside the requests' deadline. */
const EXIT_GRACE_MS = 2000;

export interface ProcessesOptions {
  readonly config: Pick<Config, 'WEB_CONCURRENCY' | 'DEADLINE_MS'>;
  readonly runtime: string;
  readonly log: Logger;
}

/** The parts that follow what happens to processes. */
export interface ProcessHandlers {
  /** Receives every message except those about the start. */
  readonly receive: (id: number, message: Report) => void;
  /** Has a process open and serve its versions; rejects when it can't. */
  readonly equip: (child: Child) => Promise<void>;
  /** The process is ready. Changes since it was equipped have not been sent to it. */
  readonly onReady: (child: Child) => void;
  /** A process has exited; lost: without having been sent `drain`. */
  readonly onExit: (child: Child, lost: boolean) => void;
  /** No process can be started. */
  readonly fail: (reason: string) => void;
}

/** The server processes. Each has a slot, which is filled again when the process dies. */
export interface Processes {
  /** Those that are ready. */
  readonly ready: readonly Child[];
  /** Whether all have been ready. */
  readonly serving: boolean;
  /** Sets the handlers. Called once: no process is equipped before. */
  attach(handlers: ProcessHandlers): void;
  /** Starts a process in every slot, once. Resolves once all are ready, or can't be started. */
  fill(): Promise<void>;
  /** All have been ready, so the server is from now on. */
  serve(): void;
  /** Sends to those that are ready. */
  broadcast(message: ToProcess): void;
  /** Sends to one process, if it is ready. */
  sendTo(id: number, message: ToProcess): void;
  /** Replaces the processes one by one; each is ready before its predecessor leaves. */
  roll(): Promise<void>;
  /** Drains all processes, and starts no more. */
  drain(): Promise<void>;
}

/** Time after which every process that is drained has exited, or is killed. */
export const drainMs = ({ DEADLINE_MS }: Pick<Config, 'DEADLINE_MS'>): number => DEADLINE_MS + EXIT_GRACE_MS;

const createSlot = (index: number): Slot => ({
  index,
  child: undefined,
  starting: undefined,
  reloading: false,
  restarts: createRestartPauses(),
});

/** Ends a process: it is sent `drain`, and killed when it doesn't exit in time. */
async function end(child: Child, ms: number): Promise<void> {
  child.leaving = true;
  sendTo(child, { type: 'drain' });
  const killer = setTimeout(() => child.worker.process.kill('SIGKILL'), ms);
  await child.exited;
  clearTimeout(killer);
}

/** A process that isn't ready has no request to finish. */
export function killAllBut(known: readonly Child[]): void {
  for (const worker of Object.values(cluster.workers ?? {})) {
    if (worker && !known.some((child) => child.worker === worker)) worker.process.kill('SIGKILL');
  }
}

export function createProcesses({ config, runtime, log }: ProcessesOptions): Processes {
  const slots = Array.from({ length: config.WEB_CONCURRENCY }, (_, index) => createSlot(index));
  /** Processes that were sent `drain`: a reload replaces them, or the server stops. */
  const leaving = new Set<Child>();
  const children = (): Child[] => slots.flatMap(({ child }) => child ?? []);
  let attach: (handlers: ProcessHandlers) => void;
  /** A process needs them only once it has loaded its modules. */
  const attached = new Promise<ProcessHandlers>((resolve) => (attach = resolve));
  let handlers: ProcessHandlers | undefined;
  let filled: Promise<unknown> | undefined;
  let serving = false;
  let draining = false;

  const startChildOf = async (slot: Slot): Promise<Child> => {
    const began = performance.now();
    const child = await startChild(
      slot,
      (id, message) => handlers?.receive(id, message),
      async (started) => (await attached).equip(started),
    );
    slot.child = child;
    handlers?.onReady(child);
    void child.exited.then((how) => bury(slot, child, how, performance.now() - began));
    return child;
  };
  const start = (slot: Slot): Promise<Child> => {
    const starting = startChildOf(slot).finally(() => {
      slot.starting = undefined;
    });
    slot.starting = starting;
    return starting;
  };

  const bury = (slot: Slot, child: Child, how: string, livedMs: number): void => {
    if (slot.child === child) slot.child = undefined;
    const lost = !child.leaving && !draining;
    const requestIds = takeInFlight(runtime, child.pid);
    handlers?.onExit(child, lost);
    if (!lost) return;
    log.error({ process: child.pid, slot: slot.index, how, requestIds }, 'a server process died');
    if (!slot.reloading) void fillSlot(slot, slot.restarts.died(livedMs));
  };

  /** Starts processes in a slot until one is ready, with backoff. */
  const fillSlot = async (slot: Slot, pauseMs = 0): Promise<void> => {
    if (pauseMs > 0) log.error({ slot: slot.index, pauseMs }, 'a server process dies again and again');
    await delay(pauseMs);
    for (let failures = 1; !draining; failures++) {
      const began = performance.now();
      try {
        await start(slot);
        return;
      } catch (error) {
        if (!(error instanceof StartFailure)) throw error;
        if (draining) return;
        const exhausted = failures >= MAX_FAILED_STARTS;
        // A server that serves goes on with its other processes; a server that starts fails with the reason.
        if (serving ? exhausted && children().length === 0 : exhausted || error.refused)
          return (await attached).fail(error.message);
        log.error({ slot: slot.index, failures, reason: error.message }, 'a server process did not start');
        const backoff = Math.min(LONGEST_BACKOFF_MS, FIRST_BACKOFF_MS * 2 ** failures);
        await delay(Math.max(backoff, slot.restarts.died(performance.now() - began)));
      }
    }
  };

  const dismiss = async (child: Child): Promise<void> => {
    leaving.add(child);
    await end(child, drainMs(config));
    leaving.delete(child);
  };
  /** @returns whether the next slot may follow */
  const rollSlot = async (slot: Slot): Promise<boolean> => {
    // A process whose start began before the reload may have read old files; one that starts later is new already.
    await slot.starting?.catch(() => undefined);
    const old = slot.child;
    if (!old || draining) return true;
    slot.reloading = true;
    try {
      await start(slot);
      await dismiss(old);
      return true;
    } catch (error) {
      if (!(error instanceof StartFailure)) throw error;
      log.error(
        { slot: slot.index, reason: error.message },
        'reload stopped: the current processes go on serving',
      );
      return false;
    } finally {
      slot.reloading = false;
      if (!slot.child) void fillSlot(slot);
    }
  };

  return {
    attach: (next) => {
      handlers = next;
      attach(next);
    },
    get serving() {
      return serving;
    },
    get ready() {
      return children();
    },
    fill: async () => void (await (filled ??= Promise.all(slots.map((slot) => fillSlot(slot))))),
    serve: () => {
      serving = true;
      for (const child of children()) sendTo(child, { type: 'serving' });
    },
    broadcast: (message) => {
      for (const child of children()) sendTo(child, message);
    },
    sendTo: (id, message) => {
      const child = children().find(({ worker }) => worker.id === id);
      if (child) sendTo(child, message);
    },
    roll: async () => {
      for (const slot of slots) if (!(await rollSlot(slot))) break;
    },
    drain: async () => {
      draining = true;
      const known = [...children(), ...leaving];
      killAllBut(known);
      await Promise.all([...[...leaving].map(({ exited }) => exited), ...children().map(dismiss)]);
    },
  };
}
