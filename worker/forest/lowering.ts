import type { Mode, TreeEnsemble } from './ensemble.ts';
import { MODES } from './ensemble.ts';

/** Where a test leads: a side of the branch, or the branch's second test. */
export type Outcome = 'true' | 'false' | 'second';

/**
 * The kernel's only test, `x <= threshold`, with the outcomes for true and false. It is false for NaN, and with a
 * threshold of NaN.
 */
export interface Test {
  readonly threshold: number;
  /** Take a missing value (NaN) as -Infinity, so that the test holds for it. */
  readonly missingHolds: boolean;
  readonly holds: Outcome;
  readonly fails: Outcome;
}

const bits = new DataView(new ArrayBuffer(4));

/** The next float32 below x: `v < x` is `v <= nextBelow(x)`. Below -Infinity it is NaN, since nothing is <= NaN. */
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
 * `>` and `>=` are `<=` and `<` with the sides exchanged, so the test has to hold for a NaN that takes the false side.
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

/**
 * The tests of all nodes, in arrays rather than in a million objects. The first test of a node is at twice its position,
 * the second one, if any, behind it.
 */
export interface Tests {
  readonly threshold: Float32Array;
  readonly missingHolds: Uint8Array;
  /** Indexes into SIDES. */
  readonly holds: Uint8Array;
  readonly fails: Uint8Array;
}

/** The arrays hold indexes into these. */
export const SIDES: readonly Outcome[] = ['true', 'false', 'second'];
const BRANCH_LEQ = MODES.indexOf('BRANCH_LEQ');
const LEAF = MODES.indexOf('LEAF');

/** Lowers all nodes of an ensemble. */
export function lowerAll(ensemble: TreeEnsemble): Tests {
  const { nodeModes, nodeValues, nodeMissingTrue } = ensemble;
  const places = 2 * nodeModes.length;
  const tests = {
    threshold: new Float32Array(places),
    missingHolds: new Uint8Array(places),
    holds: new Uint8Array(places),
    fails: new Uint8Array(places),
  };
  for (let node = 0; node < nodeModes.length; node++) {
    const mode = nodeModes[node] as number;
    if (mode === LEAF) continue;
    if (mode === BRANCH_LEQ) {
      // Nearly every node of nearly every file: without an object.
      tests.threshold[2 * node] = nodeValues[node] as number;
      tests.missingHolds[2 * node] = nodeMissingTrue[node] as number;
      tests.fails[2 * node] = 1;
      continue;
    }
    lower(ensemble, node).forEach(({ threshold, missingHolds, holds, fails }, second) => {
      const place = 2 * node + second;
      tests.threshold[place] = threshold;
      tests.missingHolds[place] = Number(missingHolds);
      tests.holds[place] = SIDES.indexOf(holds);
      tests.fails[place] = SIDES.indexOf(fails);
    });
  }
  return tests;
}

/** A node in the kernel's terms: no test in a leaf, two for BRANCH_EQ and BRANCH_NEQ, else one. */
export function lower({ nodeModes, nodeValues, nodeMissingTrue }: TreeEnsemble, node: number): Test[] {
  const mode = MODES[nodeModes[node] as number] as Mode;
  return TESTS[mode](nodeValues[node] as number, nodeMissingTrue[node] === 1);
}
