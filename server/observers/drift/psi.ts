/** Lower bound of a share: an empty bin would make the index infinite. */
const SMALLEST_SHARE = 0.0001;

/** Below the first, the population has hardly changed; from the second on, it is another one. */
export const THRESHOLDS = { moderate: 0.1, major: 0.25 } as const;

/** Fewest rows for an index, whatever the column. */
export const LEAST_ROWS = 200;

/**
 * Population stability index: the sum of (observed − expected) · ln(observed / expected) over all bins. It needs the
 * counts of all processes together: the whole has another index than its parts.
 *
 * @param expected shares in training, which sum up to 1
 * @param observed shares in requests, in the same bins
 */
export function stabilityIndex(expected: readonly number[], observed: readonly number[]): number {
  return expected.reduce((sum, share, bin) => {
    const e = Math.max(SMALLEST_SHARE, share);
    const o = Math.max(SMALLEST_SHARE, observed[bin] as number);
    return sum + (o - e) * Math.log(o / e);
  }, 0);
}

/** The 99th percentile of chi-squared (Wilson and Hilferty's approximation). */
function chiSquared99(degrees: number): number {
  const part = 2 / (9 * degrees);
  return degrees * (1 - part + 2.3263 * Math.sqrt(part)) ** 3;
}

/**
 * Fewest rows for an index. Without drift it is about chi-squared with bins − 1 degrees of freedom, times 1/rows +
 * 1/trainingRows: with fewer rows, chance would pass the first threshold more often than once in 100 windows.
 *
 * @returns undefined if no number is enough, since there were too few training rows
 */
export function leastRows(bins: number, trainingRows: number): number | undefined {
  const room = THRESHOLDS.moderate / chiSquared99(Math.max(1, bins - 1)) - 1 / trainingRows;
  return room <= 0 ? undefined : Math.max(LEAST_ROWS, Math.ceil(1 / room));
}
