import { readFileSync } from 'node:fs';
import { TICKS_PER_SECOND, treeCpuSeconds } from './processTree.ts';
import type { Noise } from './results.ts';

/** Times of the whole machine since boot, all in the same unit. */
interface MachineTimes {
  readonly busy: number;
  readonly stolen: number;
  readonly total: number;
}

/** Reads the first line of /proc/stat: user, nice, system, idle, iowait, irq, softirq, steal, in clock ticks. */
export function parseMachineTimes(text: string): MachineTimes {
  const [user = 0, nice = 0, system = 0, idle = 0, wait = 0, irq = 0, softirq = 0, stolen = 0] = text
    .split('\n', 1)[0]!
    .trim()
    .split(/\s+/)
    .slice(1)
    .map((ticks) => Number(ticks) / TICKS_PER_SECOND);
  const busy = user + nice + system + irq + softirq;
  return { busy, stolen, total: busy + idle + wait + stolen };
}

const readMachineTimes = (): MachineTimes => parseMachineTimes(readFileSync('/proc/stat', 'utf8'));

/** Begins to measure what else uses the machine; the function that it returns gives the shares since then. */
export function watchNoise(): () => Noise {
  const before = readMachineTimes();
  const ownBefore = treeCpuSeconds([process.pid]);
  return () => {
    const now = readMachineTimes();
    const own = treeCpuSeconds([process.pid]) - ownBefore;
    const total = Math.max(now.total - before.total, 1 / TICKS_PER_SECOND);
    const others = now.busy - before.busy - own;
    return {
      othersShare: Math.min(1, Math.max(0, others / total)),
      stolenShare: (now.stolen - before.stolen) / total,
    };
  };
}
