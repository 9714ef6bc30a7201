import type { FromProcess, ToProcess } from '../messages.ts';
import { LATENCY_BUCKETS } from './buckets.ts';

/** What the whole server did in the last second or so: POST requests, of all processes. */
export interface Load {
  readonly requestsPerSecond: number | null;
  /** Seconds in the server process, estimated from buckets; null without requests. */
  readonly p50: number | null;
  readonly p99: number | null;
}

/** Nobody has asked for a while, so nothing is measured yet. */
export const UNKNOWN_LOAD: Load = { requestsPerSecond: null, p50: null, p99: null };

const EVERY_MS = 1000;
/** How long one question keeps the measuring going. */
const INTEREST_MS = 5000;

/** The time that a share of the requests stayed below, evenly spread within its bucket. */
function quantile(share: number, counts: readonly number[], total: number): number | null {
  if (total === 0) return null;
  let below = 0;
  for (const [bucket, count] of counts.entries()) {
    const lower = LATENCY_BUCKETS[bucket - 1] ?? 0;
    const upper = LATENCY_BUCKETS[bucket] ?? lower;
    if (below + count >= share * total) return lower + ((share * total - below) / count) * (upper - lower);
    below += count;
  }
  return LATENCY_BUCKETS.at(-1) ?? null;
}

/** @param counts requests that fell into each bucket of latency, and beyond the last */
export function summarise(counts: readonly number[], seconds: number): Load {
  const total = counts.reduce((sum, count) => sum + count, 0);
  return {
    requestsPerSecond: total / seconds,
    p50: quantile(0.5, counts, total),
    p99: quantile(0.99, counts, total),
  };
}

export interface LoadMonitorOptions {
  /** Sends to every process. */
  readonly broadcast: (message: ToProcess) => void;
}

/**
 * Measures the server's load while somebody looks at it: once a second the primary asks each process for the counts
 * that it keeps anyway, and tells all of them the sum. So whichever process a page reaches, it gets the same figures;
 * without a viewer there is no timer and no message.
 */
export interface LoadMonitor {
  receive(id: number, message: FromProcess): void;
}

export function createLoadMonitor({ broadcast }: LoadMonitorOptions): LoadMonitor {
  const last = new Map<number, readonly number[]>();
  let gained: number[] = [];
  let since = 0;
  let wantedUntil = 0;
  let timer: ReturnType<typeof setInterval> | undefined;

  const tick = (): void => {
    const now = performance.now();
    if (now > wantedUntil) {
      clearInterval(timer);
      timer = undefined;
      last.clear();
      return;
    }
    // The first counts of a process are only what the next ones are compared with.
    if (gained.length > 0) broadcast({ type: 'load', load: summarise(gained, (now - since) / 1000) });
    since = now;
    gained = [];
    broadcast({ type: 'count' });
  };
  return {
    receive: (id, message) => {
      if (message.type === 'watch') {
        wantedUntil = performance.now() + INTEREST_MS;
        if (timer) return;
        tick();
        timer = setInterval(tick, EVERY_MS).unref();
      } else if (message.type === 'counts') {
        const before = last.get(id);
        last.set(id, message.counts);
        if (!before) return;
        gained = message.counts.map((count, bucket) => count - (before[bucket] ?? 0) + (gained[bucket] ?? 0));
      }
    },
  };
}

/** A process's side of it. */
export interface LoadView {
  /** The latest figures; asking for them keeps the measuring going. */
  read(): Load;
  receive(load: Load): void;
}

export function createLoadView(tell: (message: FromProcess) => unknown): LoadView {
  let latest = UNKNOWN_LOAD;
  let [received, asked] = [-Infinity, -Infinity];
  return {
    read: () => {
      const now = performance.now();
      if (now - asked > EVERY_MS / 2) {
        asked = now;
        void tell({ type: 'watch' });
      }
      return now - received < INTEREST_MS ? latest : UNKNOWN_LOAD;
    },
    receive: (load) => {
      received = performance.now();
      latest = load;
    },
  };
}
