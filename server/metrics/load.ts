import { LATENCY_BUCKETS } from './buckets.ts';

/** POST requests of all processes, within about the last second. */
export interface Load {
  readonly requestsPerSecond: number | null;
  /** Seconds in the server process, estimated from buckets; null without requests. */
  readonly p50: number | null;
  readonly p99: number | null;
}

/** Before the first measurement: it starts with a question. */
export const UNKNOWN_LOAD: Load = { requestsPerSecond: null, p50: null, p99: null };

export const LOAD_EVERY_MS = 1000;

/** How long measuring goes on after a question. */
export const LOAD_INTEREST_MS = 5000;

/** A quantile of the latency; requests count as evenly spread within their bucket. */
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

/** @param counts requests in each bucket of latency, those beyond the last bound included */
export function summariseLoad(counts: readonly number[], seconds: number): Load {
  const total = counts.reduce((sum, count) => sum + count, 0);
  return {
    requestsPerSecond: total / seconds,
    p50: quantile(0.5, counts, total),
    p99: quantile(0.99, counts, total),
  };
}
