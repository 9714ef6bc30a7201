import { describe, expect, it } from 'vitest';
import { compileForest } from './compileForest.ts';
import type { TreeEnsemble } from './ensemble.ts';
import { MODES } from './ensemble.ts';
import { createForest } from './forest.ts';
import { expectInBounds } from './testing/bounds.ts';

const [EQ, LEAF] = [MODES.indexOf('BRANCH_EQ'), MODES.indexOf('LEAF')];

/** A chain of BRANCH_EQ that share their true child: the answer to a member is 1, to any other value 0. */
function chainOf(members: readonly number[], missingTrue: 0 | 1): TreeEnsemble {
  const count = members.length;
  const nodes = [...members.keys()];
  return {
    kind: 'regressor',
    outputs: 1,
    nodeTreeIds: new Int32Array(count + 2),
    nodeIds: Int32Array.from([...nodes, count, count + 1]),
    nodeModes: Uint8Array.from([...nodes.map(() => EQ), LEAF, LEAF]),
    nodeFeatures: new Int32Array(count + 2),
    nodeValues: Float32Array.from([...members, 0, 0]),
    nodeTrueIds: Int32Array.from([...nodes.map(() => count), 0, 0]),
    nodeFalseIds: Int32Array.from([
      ...nodes.map((node) => (node + 1 === count ? count + 1 : node + 1)),
      0,
      0,
    ]),
    nodeMissingTrue: Uint8Array.from([...nodes.map(() => missingTrue), 0, 0]),
    weightTreeIds: new Int32Array(2),
    weightNodeIds: Int32Array.of(count, count + 1),
    weightOutputs: new Int32Array(2),
    weights: Float32Array.of(1, 0),
    baseValues: new Float32Array(),
    postTransform: 'NONE',
    aggregate: 'SUM',
  };
}

/** The most tests on the way of a row. */
function depthOf({ nodes, shift }: ReturnType<typeof compileForest>): number {
  let deepest = 0;
  const walk = (slot: number, depth: number): void => {
    const word = nodes[2 * slot + 1] as number;
    if (word >>> shift === 0) {
      deepest = Math.max(deepest, depth);
      return;
    }
    const below = word & (2 ** shift - 1);
    walk(below, depth + 1);
    walk(below + 1, depth + 1);
  };
  walk(0, 0);
  return deepest;
}

const SPREAD = Array.from({ length: 64 }, (_, place) => (place * 37) % 101);

describe('a chain that tests for a set', () => {
  it.each([
    ['of 64 numbers', SPREAD],
    ['of two', [3, 1]],
    ['of one twice', [5, 5]],
    ['of fractions of both signs', [0.5, -0.5, -0, 1e-40, -3e38]],
    ['of infinity', [1, Infinity]],
    ['of -Infinity, below which is nothing', [-Infinity, 2]],
  ])('%s is answered as its nodes say', (_, members) => {
    for (const missingTrue of [0, 1] as const) {
      const compiled = compileForest(chainOf(members, missingTrue), 1);
      expectInBounds(compiled);
      const floats = Float32Array.from(members);
      const asked = Float32Array.from([
        ...floats,
        ...Array.from({ length: 210 }, (_, at) => at / 2 - 2),
        ...[NaN, Infinity, -Infinity, -0, 1e-45, 3e38],
      ]);
      const forest = createForest(compiled, asked.length);
      forest.input.set(asked);
      const answers = new Float64Array(asked.length);
      forest.score(asked.length, answers);
      const wanted = [...asked].map((value) =>
        Number.isNaN(value) ? missingTrue : Number(floats.some((member) => member === value)),
      );
      expect([...answers]).toEqual(wanted);
    }
  });

  it('takes a row a few tests, not one or two for each member', () => {
    expect(depthOf(compileForest(chainOf(SPREAD, 0), 1))).toBeLessThanOrEqual(8);
  });
});
