import type { MetricsFromProcess, MetricsToProcess } from '../../metrics/messages.ts';
import { LOAD_EVERY_MS, LOAD_INTEREST_MS, summariseLoad } from '../../metrics/load.ts';

export interface LoadMonitorOptions {
  /** Sends to every process. */
  readonly broadcast: (message: MetricsToProcess) => void;
}

/**
 * Measures the server's load while clients read it: once a second the primary collects the counts that each process
 * keeps anyway, and sends the sum to all, so that every process gives the same figures. Without readers there is no timer
 * and no message.
 */
export interface LoadMonitor {
  receive(id: number, message: Extract<MetricsFromProcess, { type: 'watch' | 'counts' }>): void;
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
    // The first counts of a process are only the base of the next ones.
    if (gained.length > 0) broadcast({ type: 'load', load: summariseLoad(gained, (now - since) / 1000) });
    since = now;
    gained = [];
    broadcast({ type: 'count' });
  };
  const watch = (): void => {
    wantedUntil = performance.now() + LOAD_INTEREST_MS;
    if (timer) return;
    tick();
    timer = setInterval(tick, LOAD_EVERY_MS).unref();
  };
  const add = (id: number, counts: readonly number[]): void => {
    const before = last.get(id);
    last.set(id, counts);
    if (!before) return;
    gained = counts.map((count, bucket) => count - (before[bucket] ?? 0) + (gained[bucket] ?? 0));
  };
  return {
    receive: (id, message) => {
      switch (message.type) {
        case 'watch':
          return watch();
        case 'counts':
          return add(id, message.counts);
      }
    },
  };
}
