import { describe, expect, it } from 'vitest';
import type { Mode, TreeEnsemble } from './ensemble.ts';
import { MODES } from './ensemble.ts';
import type { Outcome } from './lowering.ts';
import { lower, nextBelow } from './lowering.ts';
import { THRESHOLDS, VALUES } from './testing/random.ts';

/** The meaning of the operators' modes. */
const COMPARE: Readonly<Record<Exclude<Mode, 'LEAF'>, (x: number, t: number) => boolean>> = {
  BRANCH_LEQ: (x, t) => x <= t,
  BRANCH_LT: (x, t) => x < t,
  BRANCH_GTE: (x, t) => x >= t,
  BRANCH_GT: (x, t) => x > t,
  BRANCH_EQ: (x, t) => x === t,
  BRANCH_NEQ: (x, t) => x !== t,
};

/** One branch, lowered. */
function lowerOne(mode: Mode, threshold: number, missingTrue: boolean): ReturnType<typeof lower> {
  const ensemble = {
    nodeModes: Uint8Array.of(MODES.indexOf(mode)),
    nodeValues: Float32Array.of(threshold),
    nodeMissingTrue: Uint8Array.of(Number(missingTrue)),
  };
  return lower(ensemble as TreeEnsemble, 0);
}

/** Takes the tests as the kernel does. */
function walk(tests: ReturnType<typeof lower>, value: number): Outcome {
  let outcome: Outcome = 'second';
  for (const { threshold, missingHolds, holds, fails } of tests) {
    const x = Number.isNaN(value) && missingHolds ? -Infinity : value;
    outcome = x <= threshold ? holds : fails;
    if (outcome !== 'second') break;
  }
  return outcome;
}

describe('lowering', () => {
  it('finds the float below', () => {
    for (const x of THRESHOLDS.map(Math.fround)) {
      const below = nextBelow(x);
      if (x === -Infinity) expect(below).toBeNaN();
      else {
        expect(below).toBeLessThan(x);
        expect(Math.fround(below)).toBe(below);
        expect([below, x]).toContain(Math.fround(below / 2 + x / 2));
      }
    }
    expect(nextBelow(Infinity)).toBe(Math.fround(3.4028234663852886e38));
  });

  it.each(Object.entries(COMPARE) as [Exclude<Mode, 'LEAF'>, (typeof COMPARE)['BRANCH_EQ']][])(
    '%s goes the same ways as its tests',
    (mode, compare) => {
      for (const threshold of THRESHOLDS.map(Math.fround)) {
        for (const value of VALUES.map(Math.fround)) {
          for (const missingTrue of [false, true]) {
            const wanted = compare(value, threshold) || (missingTrue && Number.isNaN(value));
            expect([mode, threshold, value, walk(lowerOne(mode, threshold, missingTrue), value)]).toEqual([
              mode,
              threshold,
              value,
              String(wanted),
            ]);
          }
        }
      }
    },
  );
});
