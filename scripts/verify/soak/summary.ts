import type { SoakResult } from './soak.ts';
import type { Sample } from './sample.ts';
import { slope } from './sample.ts';

const MIB = 1024 ** 2;

/** The slope of a line through the samples of the second half of a run, when caches are full. */
export interface Growth {
  readonly memoryMibPerHour: number;
  readonly descriptorsPerHour: number;
}

export function growthOf(samples: readonly Sample[]): Growth {
  const half = samples.slice(Math.floor(samples.length / 2));
  const perHour = (of: (sample: Sample) => number): number =>
    slope(half.map((sample) => [sample.seconds / 3600, of(sample)] as const));
  return {
    memoryMibPerHour: perHour(({ pssBytes }) => pssBytes / MIB),
    descriptorsPerHour: perHour(({ descriptors }) => descriptors),
  };
}

const range = (values: readonly number[], digits: number): string =>
  `${Math.min(...values).toFixed(digits)} to ${Math.max(...values).toFixed(digits)}`;

/** Requests that got a wrong answer, an error or none. */
export const lostOf = ({ wrong, errors, failures }: SoakResult['report']): number =>
  wrong.length + errors.length + failures.length;

export function summarize({ samples, report }: SoakResult): string {
  const of = (pick: (sample: Sample) => number): number[] => samples.map(pick).filter(Number.isFinite);
  const { memoryMibPerHour, descriptorsPerHour } = growthOf(samples);
  const lines = [
    ['requests', `${report.right} right, ${lostOf(report)} not`],
    [
      'requests/s',
      range(
        of(({ requestsPerSecond }) => requestsPerSecond),
        0,
      ),
    ],
    [
      'p50 of a lone row',
      `${range(
        of(({ p50Ms }) => p50Ms),
        2,
      )} ms`,
    ],
    [
      'p99 of a lone row',
      `${range(
        of(({ p99Ms }) => p99Ms),
        2,
      )} ms`,
    ],
    [
      'memory',
      `${range(
        of(({ pssBytes }) => pssBytes / MIB),
        0,
      )} MiB`,
    ],
    ['memory, second half', `${memoryMibPerHour.toFixed(1)} MiB an hour`],
    [
      'descriptors',
      range(
        of(({ descriptors }) => descriptors),
        0,
      ),
    ],
    ['descriptors, second half', `${descriptorsPerHour.toFixed(1)} an hour`],
  ];
  return lines.map(([name = '', value = '']) => `${name.padEnd(26)}${value}\n`).join('');
}
