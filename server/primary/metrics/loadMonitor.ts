import type { FromProcess, ToProcess } from '../../messages.ts';
import { LOAD_EVERY_MS, LOAD_INTEREST_MS, summariseLoad } from '../../metrics/load.ts';

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
    if (gained.length > 0) broadcast({ type: 'load', load: summariseLoad(gained, (now - since) / 1000) });
    since = now;
    gained = [];
    broadcast({ type: 'count' });
  };
  return {
    receive: (id, message) => {
      if (message.type === 'watch') {
        wantedUntil = performance.now() + LOAD_INTEREST_MS;
        if (timer) return;
        tick();
        timer = setInterval(tick, LOAD_EVERY_MS).unref();
      } else if (message.type === 'counts') {
        const before = last.get(id);
        last.set(id, message.counts);
        if (!before) return;
        gained = message.counts.map((count, bucket) => count - (before[bucket] ?? 0) + (gained[bucket] ?? 0));
      }
    },
  };
}
