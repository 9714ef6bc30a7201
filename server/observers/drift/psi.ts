/** A share below this counts as this much: an empty bin would make the index infinite. */
const SMALLEST_SHARE = 0.0001;

/** Below the first, nothing has changed to speak of; from the second on, the population is another. */
export const THRESHOLDS = { moderate: 0.1, major: 0.25 } as const;

/** Rows below which nothing is said, whatever the column. */
export const LEAST_ROWS = 200;

/**
 * Population stability index: the sum of (observed − expected) · ln(observed / expected) over all bins. Of all
 * processes' counts together: indices of parts say nothing about the whole.
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

/** What 99 of 100 values of chi-squared are below (Wilson and Hilferty's approximation). */
function chiSquared99(degrees: number): number {
  const part = 2 / (9 * degrees);
  return degrees * (1 - part + 2.3263 * Math.sqrt(part)) ** 3;
}

/**
 * Rows from which on an index says something. Without any drift it is about chi-squared of bins − 1 degrees of freedom,
 * times 1/rows + 1/trainingRows: with fewer rows, chance alone would pass the first threshold more often than once in
 * 100 windows.
 *
 * @returns undefined where no number is enough, since there were too few rows in training
 */
export function leastRows(bins: number, trainingRows: number): number | undefined {
  const room = THRESHOLDS.moderate / chiSquared99(Math.max(1, bins - 1)) - 1 / trainingRows;
  return room <= 0 ? undefined : Math.max(LEAST_ROWS, Math.ceil(1 / room));
}
