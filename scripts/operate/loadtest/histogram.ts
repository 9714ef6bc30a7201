const BUCKETS_PER_DOUBLING = 128;
const DOUBLINGS = 32;
const MICROSECONDS = 1000;

/** A run of latencies from `fromMs` to below `toMs`, and how many fell into it. */
export interface Bucket {
  readonly fromMs: number;
  readonly toMs: number;
  readonly count: number;
}

/**
 * Latencies from 1 µs to 71 minutes, each kept within 0.6 %, in 32 KiB whatever their number. autocannon's own
 * histogram counts whole milliseconds, which is longer than most answers of this server take.
 */
export interface Histogram {
  record(ms: number): void;
  /** Takes over what another one has recorded. */
  add(other: Histogram): void;
  readonly count: number;
  readonly minMs: number;
  readonly maxMs: number;
  readonly meanMs: number;
  /** The smallest latency, in milliseconds, that `percent` % of the recorded ones don't exceed; 0 when empty. */
  percentile(percent: number): number;
  /** The non-empty buckets, in order, `perDoubling` of them between a latency and its double. */
  buckets(perDoubling: number): Bucket[];
  /** The number in each bucket at the finest resolution. */
  readonly counts: Readonly<Float64Array>;
}

const edgeMs = (index: number, perDoubling: number): number => 2 ** (index / perDoubling) / MICROSECONDS;

export function createHistogram(): Histogram {
  const counts = new Float64Array(BUCKETS_PER_DOUBLING * DOUBLINGS);
  let count = 0;
  let sum = 0;
  let min = Infinity;
  let max = 0;

  return {
    record(ms) {
      const index = Math.floor(Math.log2(Math.max(1, ms * MICROSECONDS)) * BUCKETS_PER_DOUBLING);
      const bounded = Math.min(index, counts.length - 1);
      counts[bounded] = (counts[bounded] ?? 0) + 1;
      count += 1;
      sum += ms;
      min = Math.min(min, ms);
      max = Math.max(max, ms);
    },
    add(other) {
      if (other.count === 0) return;
      other.counts.forEach((n, index) => (counts[index] = (counts[index] ?? 0) + n));
      count += other.count;
      sum += other.meanMs * other.count;
      min = Math.min(min, other.minMs);
      max = Math.max(max, other.maxMs);
    },
    counts,
    get count() {
      return count;
    },
    get minMs() {
      return count === 0 ? 0 : min;
    },
    get maxMs() {
      return max;
    },
    get meanMs() {
      return count === 0 ? 0 : sum / count;
    },
    percentile(percent) {
      if (count === 0) return 0;
      const rank = Math.max(1, Math.ceil((percent / 100) * count));
      if (rank >= count) return max;
      let seen = 0;
      for (let index = 0; index < counts.length; index += 1) {
        seen += counts[index] ?? 0;
        if (seen < rank) continue;
        return Math.min(max, Math.max(min, edgeMs(index + 0.5, BUCKETS_PER_DOUBLING)));
      }
      return max;
    },
    buckets(perDoubling) {
      const merged = new Map<number, number>();
      counts.forEach((n, index) => {
        if (n === 0) return;
        const into = Math.floor((index * perDoubling) / BUCKETS_PER_DOUBLING);
        merged.set(into, (merged.get(into) ?? 0) + n);
      });
      return [...merged].map(([index, n]) => ({
        fromMs: edgeMs(index, perDoubling),
        toMs: edgeMs(index + 1, perDoubling),
        count: n,
      }));
    },
  };
}
