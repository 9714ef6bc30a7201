import type { Cell, Results, Sample } from '../results.ts';
import { samplesOf } from '../results.ts';
import type { Spread } from '../statistics.ts';
import { spread } from '../statistics.ts';

/**
 * Compares two subjects in a cell, round by round: what slows the machine down for a round is on both sides of it.
 *
 * @param compare of the first subject's sample and the other's of the same round
 */
export function paired(
  results: Results,
  [subject, other]: readonly [string, string],
  cell: Cell,
  compare: (sample: Sample, other: Sample) => number,
): Spread | undefined {
  const others = new Map(samplesOf(results, other, cell).map((sample) => [sample.round, sample]));
  const values = samplesOf(results, subject, cell).flatMap((sample) => {
    const partner = others.get(sample.round);
    return partner ? [compare(sample, partner)] : [];
  });
  return values.length === 0 ? undefined : spread(values);
}
