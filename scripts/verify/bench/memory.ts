import { readFileSync } from 'node:fs';
import { readTree } from './processTree.ts';

/** The proportional set size in a text of /proc/PID/smaps_rollup, in bytes. */
export function parsePss(text: string): number {
  return Number(/^Pss:\s+(\d+) kB$/m.exec(text)?.[1] ?? 0) * 1024;
}

function pssOf(pid: number): number {
  try {
    return parsePss(readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8'));
  } catch {
    // It ended since the tree was read.
    return 0;
  }
}

/**
 * Memory of the processes and all their descendants, in bytes. A page that several of them share is counted once:
 * that is what PSS is for.
 */
export function treePssBytes(roots: readonly number[]): number {
  return readTree(roots).reduce((sum, { pid }) => sum + pssOf(pid), 0);
}
