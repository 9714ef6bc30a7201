import { readdirSync } from 'node:fs';
import { readTree, treePssBytes } from '../bench/processTree.ts';

/** What the server was like at a moment, and how it answered since the one before. */
export interface Sample {
  /** Since the start of the load. */
  readonly seconds: number;
  /** Memory of all processes; what they share is counted once. */
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

/** Open files of a process and its descendants; what ends meanwhile has none. */
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

export const memoryOf = (root: number): number => treePssBytes([root]);

/** The value below which this part of the sorted values lies; NaN of none. */
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
