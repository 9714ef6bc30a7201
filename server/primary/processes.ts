import cluster from 'node:cluster';
import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from 'pino';
import type { Config } from '../settings/settings.ts';
import type { Heartbeat } from './heartbeat.ts';
import { takeInFlight } from '../platform/inFlightNotes.ts';
import type { FromProcess, ToProcess } from '../messages.ts';
import { createRestarts } from './restartPauses.ts';
import type { Child, Slot } from './slots.ts';
import { StartFailure, startChild, sendTo } from './slots.ts';

/** Failed starts in a row, with no process serving, that end the server. */
const MAX_FAILED_STARTS = 5;
const FIRST_BACK_OFF_MS = 100;
const LONGEST_BACK_OFF_MS = 10_000;
/** Time that a process has to end by itself once it was told to, beside the requests' deadline. */
const EXIT_GRACE_MS = 2000;

export interface ProcessesOptions {
  readonly config: Pick<Config, 'WEB_CONCURRENCY' | 'DEADLINE_MS'>;
  readonly runtime: string;
  readonly log: Logger;
  readonly heartbeat: Pick<Heartbeat, 'watch'>;
  /** Is given every message but those about readiness. */
  readonly receive: (id: number, message: FromProcess) => void;
  /** Tells a process what to open and to serve; rejects when it can't. */
  readonly equip: (child: Child) => Promise<void>;
  /** It is ready from now on: what changed since it was equipped, it hasn't been told. */
  readonly onReady: (child: Child) => void;
  /** A process is gone; lost: nobody told it to end. */
  readonly onExit: (child: Child, lost: boolean) => void;
  /** No process can be had. */
  readonly fail: (reason: string) => void;
}

/** The server processes: each has a slot that is filled again when it dies. */
export interface Processes {
  /** Those that are ready. */
  readonly ready: readonly Child[];
  /** Resolves once every slot has been filled, or can't be. */
  fill(): Promise<void>;
  /** All have been ready: so the server is from now on. */
  serve(): void;
  /** Tells those that are ready. */
  broadcast(message: ToProcess): void;
  /** Replaces them one by one; each is ready before its predecessor leaves. */
  roll(): Promise<void>;
  /** Drains all, and starts none any more. */
  drain(): Promise<void>;
}

export function createProcesses(options: ProcessesOptions): Processes {
  const { config, runtime, log, heartbeat, receive, equip, onReady, onExit, fail } = options;
  const slots: readonly Slot[] = Array.from({ length: config.WEB_CONCURRENCY }, (_, index) => ({
    index,
    child: undefined,
    starting: undefined,
    reloading: false,
    restarts: createRestarts(),
  }));
  /** Processes that were told to end: a reload replaced them, or the server stops. */
  const leaving = new Set<Child>();
  const children = (): Child[] => slots.flatMap(({ child }) => child ?? []);
  let serving = false;
  let draining = false;

  const begin = (child: Child): Promise<void> => {
    const { id } = child.worker;
    heartbeat.watch({ id, pid: child.pid, exited: child.exited, send: (message) => sendTo(child, message) });
    return equip(child);
  };
  const startChildOf = async (slot: Slot): Promise<Child> => {
    const began = performance.now();
    const child = await startChild(slot, receive, begin);
    slot.child = child;
    onReady(child);
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
    onExit(child, lost);
    if (!lost) return;
    log.error({ process: child.pid, slot: slot.index, how, requestIds }, 'a server process died');
    if (!slot.reloading) void fillSlot(slot, slot.restarts.died(livedMs));
  };

  /** Starts processes in a slot until one is ready, with back-off. */
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
        // A server that serves goes on with what it has; one that never did must say why.
        if (serving ? exhausted && children().length === 0 : exhausted || error.refused)
          return fail(error.message);
        log.error({ slot: slot.index, failures, reason: error.message }, 'a server process did not start');
        const backOff = Math.min(LONGEST_BACK_OFF_MS, FIRST_BACK_OFF_MS * 2 ** failures);
        await delay(Math.max(backOff, slot.restarts.died(performance.now() - began)));
      }
    }
  };

  /** Ends a process: it drains by itself, and is killed when it doesn't. */
  const dismiss = async (child: Child): Promise<void> => {
    child.leaving = true;
    leaving.add(child);
    sendTo(child, { type: 'drain' });
    const killer = setTimeout(() => child.worker.process.kill('SIGKILL'), config.DEADLINE_MS + EXIT_GRACE_MS);
    await child.exited;
    clearTimeout(killer);
    leaving.delete(child);
  };

  /** @returns whether the next slot may follow */
  const rollSlot = async (slot: Slot): Promise<boolean> => {
    // One that was begun before the reload may be of old files; one that is begun later is a successor already.
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
        'reload stopped: the present processes go on serving',
      );
      return false;
    } finally {
      slot.reloading = false;
      if (!slot.child) void fillSlot(slot);
    }
  };

  return {
    get ready() {
      return children();
    },
    fill: async () => void (await Promise.all(slots.map((slot) => fillSlot(slot)))),
    serve: () => {
      serving = true;
      for (const child of children()) sendTo(child, { type: 'serving' });
    },
    broadcast: (message) => {
      for (const child of children()) sendTo(child, message);
    },
    roll: async () => {
      for (const slot of slots) if (!(await rollSlot(slot))) break;
    },
    drain: async () => {
      draining = true;
      const known = [...children(), ...leaving];
      for (const worker of Object.values(cluster.workers ?? {})) {
        // One that isn't ready has nothing to finish.
        if (worker && !known.some((child) => child.worker === worker)) worker.process.kill('SIGKILL');
      }
      await Promise.all([...[...leaving].map(({ exited }) => exited), ...children().map(dismiss)]);
    },
  };
}
