import { readdirSync } from 'node:fs';
import { readTree } from '../bench/processTree.ts';

/** The state of the server at a moment, and how it answered since the last sample. */
export interface Sample {
  /** Since the start of the load. */
  readonly seconds: number;
  /** PSS of all processes. */
  readonly pssBytes: number;
  /** Open files and sockets of all processes. */
  readonly descriptors: number;
  readonly requestsPerSecond: number;
  /** Of lone rows that were sent beside the load. */
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** Answers that were not the right ones, since the start. */
  readonly failed: number;
}

/** Open files of a process and its descendants. */
export function countDescriptors(root: number): number {
  let count = 0;
  for (const { pid } of readTree([root])) {
    try {
      count += readdirSync(`/proc/${pid}/fd`).length;
    } catch {
      // It has ended.
    }
  }
  return count;
}

/** The quantile of sorted values; NaN of none. */
export const quantile = (sorted: readonly number[], part: number): number =>
  sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? NaN;

/** The slope of the line through points by least squares; 0 of fewer than two. */
export function slope(points: readonly (readonly [x: number, y: number])[]): number {
  const count = points.length;
  const meanX = points.reduce((sum, [x]) => sum + x, 0) / count;
  const meanY = points.reduce((sum, [, y]) => sum + y, 0) / count;
  const spread = points.reduce((sum, [x]) => sum + (x - meanX) ** 2, 0);
  return spread === 0 || count < 2
    ? 0
    : points.reduce((sum, [x, y]) => sum + (x - meanX) * (y - meanY), 0) / spread;
}
