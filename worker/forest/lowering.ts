import type { Mode, TreeEnsemble } from './ensemble.ts';
import { MODES } from './ensemble.ts';

/** A child of a test: a side of the branch, or the branch's second test. */
export type Outcome = 'true' | 'false' | 'second';

/**
 * The one test that the kernel knows, `x <= threshold`, with the sides to which its outcomes lead. It never holds for
 * NaN, nor with a threshold of NaN.
 */
export interface Test {
  readonly threshold: number;
  /** Take a missing value (NaN) as -Infinity, so that the test holds for it. */
  readonly missingHolds: boolean;
  readonly holds: Outcome;
  readonly fails: Outcome;
}

const bits = new DataView(new ArrayBuffer(4));

/** The next float32 below x, so that `v < x` is `v <= nextBelow(x)`. NaN below -Infinity: nothing is <= NaN. */
export function nextBelow(x: number): number {
  if (x === -Infinity) return NaN;
  if (x === 0) return -(2 ** -149);
  bits.setFloat32(0, x);
  bits.setInt32(0, bits.getInt32(0) + (x > 0 ? -1 : 1));
  return bits.getFloat32(0);
}

const test = (threshold: number, missingHolds: boolean, holds: Outcome, fails: Outcome): Test[] => [
  { threshold, missingHolds, holds, fails },
];

/** Holds for every number, and not for a missing value. */
const isNumber = (holds: Outcome, fails: Outcome): Test[] => test(Infinity, false, holds, fails);

/**
 * Each mode in terms of `<=`; `missingTrue` says where NaN goes, except at BRANCH_NEQ: NaN differs from everything.
 * `>` and `>=` are `<=` and `<` with the sides exchanged, and then NaN has to hold to come to the false side.
 * Equality takes two tests: below the threshold, and if not, up to it.
 */
const TESTS: Readonly<Record<Mode, (threshold: number, missingTrue: boolean) => Test[]>> = {
  BRANCH_LEQ: (t, missingTrue) => test(t, missingTrue, 'true', 'false'),
  BRANCH_LT: (t, missingTrue) =>
    t === -Infinity && missingTrue
      ? isNumber('false', 'true')
      : test(nextBelow(t), missingTrue, 'true', 'false'),
  BRANCH_GT: (t, missingTrue) => test(t, !missingTrue, 'false', 'true'),
  BRANCH_GTE: (t, missingTrue) =>
    t === -Infinity && !missingTrue
      ? isNumber('true', 'false')
      : test(nextBelow(t), !missingTrue, 'false', 'true'),
  BRANCH_EQ: (t, missingTrue) => [
    ...test(nextBelow(t), false, 'false', 'second'),
    ...test(t, missingTrue, 'true', 'false'),
  ],
  BRANCH_NEQ: (t) => [...test(nextBelow(t), false, 'true', 'second'), ...test(t, false, 'false', 'true')],
  LEAF: () => [],
};

/** A node in the kernel's terms: no test in a leaf, two for BRANCH_EQ and BRANCH_NEQ, else one. */
export function lower({ nodeModes, nodeValues, nodeMissingTrue }: TreeEnsemble, node: number): Test[] {
  const mode = MODES[nodeModes[node] as number] as Mode;
  return TESTS[mode](nodeValues[node] as number, nodeMissingTrue[node] === 1);
}
