import type { Cell, Results, Sample } from './results.ts';
import { samplesOf } from './results.ts';
import type { Spread } from './statistics.ts';
import { spreadOf } from './statistics.ts';

/** One line of the table "Must hold". */
export interface Bound {
  readonly id: string;
  readonly what: string;
  readonly holds: 'at most' | 'at least';
  readonly limit: number;
  /** Of `limit` and of `measured`; '' for a ratio. */
  readonly unit: string;
  /** Undefined when a measurement that it needs is missing. */
  readonly measured: Spread | undefined;
  /** The options that measure it. */
  readonly needs: string;
}

export interface Verdict extends Bound {
  readonly verdict: 'pass' | 'fail' | 'not measured';
}

/** The median decides: other programs may have disturbed a single round. */
export function judge(bound: Bound): Verdict {
  const { measured, holds, limit } = bound;
  if (!measured) return { ...bound, verdict: 'not measured' };
  const within = holds === 'at most' ? measured.median <= limit : measured.median >= limit;
  return { ...bound, verdict: within ? 'pass' : 'fail' };
}

/**
 * Compares two subjects in a cell, round by round: what slows the machine down for a round is on both sides.
 *
 * @param compare a sample of the first subject with the sample of the other from the same round
 */
export function paired(
  results: Results,
  [subject, other]: readonly [string, string],
  cell: Cell,
  compare: (sample: Sample, other: Sample) => number,
): Spread | undefined {
  const others = new Map(samplesOf(results, other, cell).map((sample) => [sample.round, sample]));
  return spreadOf(
    samplesOf(results, subject, cell).flatMap((sample) => {
      const partner = others.get(sample.round);
      return partner ? [compare(sample, partner)] : [];
    }),
  );
}
