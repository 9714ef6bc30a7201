import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';

/** The first line of a control file, or undefined where the file can't be read. */
type ReadFile = (path: string) => string | undefined;

const readControlFile: ReadFile = (path) => {
  try {
    return readFileSync(path, 'utf8').trim();
  } catch {
    return undefined;
  }
};

/** CPUs that the cgroup's quota allows (may be a fraction), or Infinity without one. Reads cgroup v2, then v1. */
export function cgroupCpus(read: ReadFile = readControlFile): number {
  const [quota, period] = read('/sys/fs/cgroup/cpu.max')?.split(' ') ?? [
    read('/sys/fs/cgroup/cpu/cpu.cfs_quota_us'),
    read('/sys/fs/cgroup/cpu/cpu.cfs_period_us'),
  ];
  const cpus = Number(quota) / Number(period);
  return cpus > 0 && Number.isFinite(cpus) ? cpus : Infinity;
}

/** Whole CPUs that this process may use: its affinity mask and its cgroup's quota, never the host's count. */
export function availableCpus(): number {
  return Math.max(1, Math.min(availableParallelism(), Math.ceil(cgroupCpus())));
}
