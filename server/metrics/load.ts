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

export const EVERY_MS = 1000;

/** How long one question keeps the measuring going. */
export const INTEREST_MS = 5000;

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
