import { readTree } from './processTree.ts';

/** USER_HZ: the unit of /proc/PID/stat, 100 on every architecture that Node runs on. */
const TICKS_PER_SECOND = 100;

/** CPU seconds, user and system, that the processes and all their descendants have used so far. */
export function treeCpuSeconds(roots: readonly number[]): number {
  const ticks = readTree(roots).reduce((sum, process) => sum + process.ticks + process.childrenTicks, 0);
  return ticks / TICKS_PER_SECOND;
}
