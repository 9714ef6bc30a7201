import { availableParallelism } from 'node:os';
import { describe, expect, it } from 'vitest';
import { availableCpus, cgroupCpus } from './cpus.ts';

const V2 = '/sys/fs/cgroup/cpu.max';
const QUOTA = '/sys/fs/cgroup/cpu/cpu.cfs_quota_us';
const PERIOD = '/sys/fs/cgroup/cpu/cpu.cfs_period_us';

describe('cgroupCpus', () => {
  it.each<[string, Record<string, string>, number]>([
    ['cgroup v2 with a quota', { [V2]: '200000 100000' }, 2],
    ['cgroup v2 with a fraction', { [V2]: '150000 100000' }, 1.5],
    ['cgroup v2 without a quota', { [V2]: 'max 100000' }, Infinity],
    ['cgroup v1 with a quota', { [QUOTA]: '300000', [PERIOD]: '100000' }, 3],
    ['cgroup v1 with a fraction', { [QUOTA]: '50000', [PERIOD]: '100000' }, 0.5],
    ['cgroup v1 without a quota', { [QUOTA]: '-1', [PERIOD]: '100000' }, Infinity],
    ['both versions', { [V2]: '200000 100000', [QUOTA]: '900000', [PERIOD]: '100000' }, 2],
    ['no cgroup', {}, Infinity],
    ['a period of 0', { [V2]: '100000 0' }, Infinity],
    ['a file of another form', { [V2]: '' }, Infinity],
  ])('reads %s', (_, files, cpus) => {
    expect(cgroupCpus((path) => files[path])).toBe(cpus);
  });
});

describe('availableCpus', () => {
  it('is a whole number, at most the CPUs of the machine', () => {
    expect(Number.isInteger(availableCpus())).toBe(true);
    expect(availableCpus()).toBeGreaterThanOrEqual(1);
    expect(availableCpus()).toBeLessThanOrEqual(availableParallelism());
  });
});
