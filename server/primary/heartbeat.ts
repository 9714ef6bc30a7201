import type { FromProcess, ToProcess } from '../messages.ts';
import type { MainThread } from '../platform/procStat.ts';
import { readMainThread } from '../platform/procStat.ts';

/** How often each process is asked whether it is there. */
const PING_MS = 500;
/** A process that neither answers nor does anything for so long is frozen. */
const SILENT_MS = 2000;

/** A process as the heartbeat sees it. */
export interface Watched {
  readonly id: number;
  readonly pid: number;
  send(message: ToProcess): void;
  readonly exited: Promise<unknown>;
}

/** Frozen: it does nothing. Stuck: it works, but on one thing for longer than anybody waits. */
export type Unresponsive = 'frozen' | 'stuck';

export interface HeartbeatOptions {
  /** Time that one turn of a process's event loop may take while it works. */
  readonly stuckMs: number;
  readonly onUnresponsive: (id: number, silence: Unresponsive, silentMs: number) => void;
  readonly pingMs?: number;
  readonly silentMs?: number;
  readonly look?: (pid: number) => MainThread | undefined;
  readonly now?: () => number;
}

/** Asks every process again and again whether its event loop turns. */
export interface Heartbeat {
  /** Watches a process until it is gone. */
  watch(process: Watched): void;
  receive(id: number, message: FromProcess): void;
  /** Whether a process has lately said that it is ready. */
  isReady(id: number): boolean;
  stop(): void;
}

interface Pulse {
  readonly process: Watched;
  heardAt: number;
  /** When its main thread was last seen at work. */
  workedAt: number;
  ticks: number | undefined;
  ready: boolean;
  reported: boolean;
}

/**
 * A process whose event loop is held by a large body answers no ping either, and must live. What tells it from a
 * frozen one is its main thread: that one has had processor time, wants some, or waits for a disk.
 */
export function createHeartbeat(options: HeartbeatOptions): Heartbeat {
  const { stuckMs, onUnresponsive, pingMs = PING_MS, silentMs = SILENT_MS } = options;
  const { look = readMainThread, now = () => performance.now() } = options;
  const pulses = new Map<number, Pulse>();
  let lastBeat = now();

  const beat = (): void => {
    const time = now();
    // The machine stood still, or this process did: nobody can have answered.
    const late = time - lastBeat > 2 * pingMs;
    lastBeat = time;
    for (const pulse of pulses.values()) {
      const { process } = pulse;
      const thread = look(process.pid);
      const worked = !thread || thread.ticks !== pulse.ticks || 'RD'.includes(thread.state);
      if (late) pulse.heardAt = time;
      if (worked || late) pulse.workedAt = time;
      pulse.ticks = thread?.ticks;
      const silent = time - pulse.heardAt;
      const frozen = Math.min(silent, time - pulse.workedAt) >= silentMs;
      if (!pulse.reported && (frozen || silent >= stuckMs)) {
        pulse.reported = true;
        onUnresponsive(process.id, frozen ? 'frozen' : 'stuck', silent);
      }
      process.send({ type: 'ping' });
    }
  };
  const timer = setInterval(beat, pingMs);

  return {
    watch: (process) => {
      const time = now();
      pulses.set(process.id, {
        process,
        heardAt: time,
        workedAt: time,
        ticks: undefined,
        ready: false,
        reported: false,
      });
      void process.exited.then(() => pulses.delete(process.id));
    },
    receive: (id, message) => {
      const pulse = pulses.get(id);
      if (message.type !== 'pong' || !pulse) return;
      pulse.heardAt = now();
      pulse.ready = message.ready;
    },
    isReady: (id) => {
      const pulse = pulses.get(id);
      return pulse !== undefined && pulse.ready && now() - pulse.heardAt < silentMs;
    },
    stop: () => clearInterval(timer),
  };
}
