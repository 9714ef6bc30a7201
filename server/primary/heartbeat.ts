import type { FromProcess } from '../messages.ts';
import type { MainThread } from '../platform/procStat.ts';
import { readMainThread } from '../platform/procStat.ts';
import { BEAT_MS, onBeat } from '../platform/beat.ts';

/** A process that neither reports nor gets processor time for this long is frozen. */
const SILENT_MS = 2000;

/**
 * Beats that may pass between two looks, for them to count. With more, a report that has come but isn't read yet could
 * look as if it were missing for SILENT_MS.
 */
const MOST_LATE = 1.5;

/** A process as the heartbeat sees it. */
export interface Watched {
  readonly id: number;
  readonly pid: number;
  readonly exited: Promise<unknown>;
}

/** `frozen`: it does nothing. `stuck`: one turn of its event loop takes longer than clients wait. */
export type Unresponsive = 'frozen' | 'stuck';

export interface HeartbeatOptions {
  /** Time that one turn of a working process's event loop may take. */
  readonly stuckMs: number;
  readonly onUnresponsive: (id: number, silence: Unresponsive, silentMs: number) => void;
  readonly look?: (pid: number) => MainThread | undefined;
  readonly now?: () => number;
}

/** Watches the processes, each of which reports at its own beats that its event loop turns. */
export interface Heartbeat {
  /** Watches a process until it exits. */
  watch(process: Watched): void;
  receive(id: number, message: Extract<FromProcess, { type: 'alive' }>): void;
  /** Whether a process has recently reported that it is ready. */
  isReady(id: number): boolean;
  stop(): void;
}

interface Pulse {
  readonly process: Watched;
  reportedAt: number;
  /** When its main thread was last seen at work. */
  workedAt: number;
  ticks: number | undefined;
  ready: boolean;
  /** It has been passed on as such. */
  unresponsive: boolean;
}

/**
 * A process whose event loop is held by a large body doesn't report either, and must live. Its main thread differs from
 * that of a frozen process: it has had processor time, is runnable, or waits for a disk.
 */
export function createHeartbeat(options: HeartbeatOptions): Heartbeat {
  const { stuckMs, onUnresponsive } = options;
  const { look: readThread = readMainThread, now = () => performance.now() } = options;
  const pulses = new Map<number, Pulse>();
  let lastBeat = now();

  let again: NodeJS.Timeout | undefined;

  /** Looks at every process, and soon again while one doesn't report: the next beat could be a second too late. */
  const look = (): void => {
    const time = now();
    // The machine or this process stood still, so no reply can have arrived.
    const late = time - lastBeat > MOST_LATE * BEAT_MS;
    lastBeat = time;
    let unsure = false;
    for (const pulse of pulses.values()) {
      const { process } = pulse;
      const thread = readThread(process.pid);
      const worked = !thread || thread.ticks !== pulse.ticks || 'RD'.includes(thread.state);
      if (late) pulse.reportedAt = time;
      if (worked || late) pulse.workedAt = time;
      pulse.ticks = thread?.ticks;
      const silent = time - pulse.reportedAt;
      const frozen = Math.min(silent, time - pulse.workedAt) >= SILENT_MS;
      if (!pulse.unresponsive && (frozen || silent >= stuckMs)) {
        pulse.unresponsive = true;
        onUnresponsive(process.id, frozen ? 'frozen' : 'stuck', silent);
      }
      if (!pulse.unresponsive && silent > MOST_LATE * BEAT_MS) unsure = true;
    }
    clearTimeout(again);
    if (unsure) again = setTimeout(look, BEAT_MS / 4).unref();
  };
  const stop = onBeat(look);

  return {
    watch: (process) => {
      const time = now();
      pulses.set(process.id, {
        process,
        reportedAt: time,
        workedAt: time,
        ticks: undefined,
        ready: false,
        unresponsive: false,
      });
      void process.exited.then(() => pulses.delete(process.id));
    },
    receive: (id, { ready }) => {
      const pulse = pulses.get(id);
      if (!pulse) return;
      pulse.reportedAt = now();
      pulse.ready = ready;
    },
    isReady: (id) => {
      const pulse = pulses.get(id);
      return pulse !== undefined && pulse.ready && now() - pulse.reportedAt < SILENT_MS;
    },
    stop: () => {
      stop();
      clearTimeout(again);
    },
  };
}
