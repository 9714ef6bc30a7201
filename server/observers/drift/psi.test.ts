import { describe, expect, it } from 'vitest';
import { leastRows, stabilityIndex } from './psi.ts';
import { createRandom } from '../../../scripts/cli/createRandom.ts';

describe('the population stability index', () => {
  it('is zero where nothing differs, empty bins included', () => {
    expect(stabilityIndex([0.25, 0.75, 0], [0.25, 0.75, 0])).toBe(0);
  });

  it('equals the value that is computed by hand', () => {
    // 0.1 · ln 1.2 + (−0.1) · ln 0.8 = 0.018232 + 0.022314
    expect(stabilityIndex([0.5, 0.5], [0.6, 0.4])).toBeCloseTo(0.0405465, 7);
    // 0.1 · ln 2 + 0.1 · ln 1.5 − 0.2 · ln 0.6 (of 0.1, 0.2, 0.5, 0.2 against 0.2, 0.3, 0.3, 0.2)
    expect(stabilityIndex([0.1, 0.2, 0.5, 0.2], [0.2, 0.3, 0.3, 0.2])).toBeCloseTo(
      0.0693147 + 0.0405465 + 0.1021651,
      6,
    );
  });

  it('counts an empty bin as 0.0001, on either side', () => {
    // −0.1 · ln 0.9 + (0.1 − 0.0001) · ln 1000
    expect(stabilityIndex([1, 0], [0.9, 0.1])).toBeCloseTo(0.0105361 + 0.6900848, 6);
    expect(stabilityIndex([0.9, 0.1], [1, 0])).toBeCloseTo(0.0105361 + 0.6900848, 6);
  });
});

describe('the fewest rows for an index', () => {
  it('grow with the bins, and with fewer training rows', () => {
    // 21.67 is the 99th percentile of chi-squared of 9 degrees of freedom.
    expect(leastRows(10, 1e9)).toBe(217);
    expect(leastRows(10, 1000)).toBe(278);
    expect(leastRows(2, 1e9)).toBe(200);
    expect(leastRows(10, 200)).toBeUndefined();
  });

  it.each([2, 5, 10, 40])('keep chance below the first threshold: %i bins', (bins) => {
    const random = createRandom(bins);
    const rows = leastRows(bins, Infinity) as number;
    const expected = new Array<number>(bins).fill(1 / bins);
    const windows = 2000;
    let passed = 0;
    for (let window = 0; window < windows; window++) {
      const counts = new Array<number>(bins).fill(0);
      for (let row = 0; row < rows; row++) (counts[Math.floor(random() * bins)] as number) += 1 / rows;
      if (stabilityIndex(expected, counts) >= 0.1) passed++;
    }
    // One in a hundred; a little more with very many bins, of which each holds few rows.
    expect(passed / windows).toBeLessThan(0.03);
  });
});
