import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compileForest } from './compileForest.ts';
import { EnsembleRefused } from './ensemble.ts';
import { createForest } from './forest.ts';
import { expectInBounds } from './testing/bounds.ts';
import { expectAnswers } from './testing/compare.ts';
import { createRandom, randomMatrix } from './testing/random.ts';
import { randomEnsemble5, toOperator5 } from './testing/random5.ts';
import { openOperator } from './testing/reference.ts';
import type { TreeEnsemble5 } from './treeEnsemble5.ts';
import { fromTreeEnsemble5 } from './treeEnsemble5.ts';

const ROWS = 50;

/** x in {1, 3} ? leaf 0 : leaf 1. */
const MEMBER: TreeEnsemble5 = {
  targets: 1,
  treeRoots: Int32Array.of(0),
  nodeFeatures: Int32Array.of(0),
  nodeSplits: new Float32Array(1),
  nodeModes: Uint8Array.of(6),
  nodeTrueIds: Int32Array.of(0),
  nodeFalseIds: Int32Array.of(1),
  nodeTrueLeafs: Uint8Array.of(1),
  nodeFalseLeafs: Uint8Array.of(1),
  nodeMissingTrue: new Uint8Array(),
  memberValues: Float32Array.of(1, 3),
  leafTargets: new Int32Array(2),
  leafWeights: Float32Array.of(10, 20),
  aggregate: 1,
  postTransform: 0,
};

describe('ai.onnx.ml 5', () => {
  it('is answered as by ONNX Runtime', { timeout: 60_000 }, async () => {
    const seed = fc.nat(2 ** 31 - 1);
    const small = fc.integer({ min: 1, max: 5 });
    await fc.assert(
      fc.asyncProperty(seed, small, small, async (number, targets, features) => {
        const attributes = randomEnsemble5(number, targets, features);
        const compiled = compileForest(fromTreeEnsemble5(attributes), features);
        expectInBounds(compiled);
        const forest = createForest(compiled, ROWS);
        const reference = await openOperator(toOperator5(attributes, features));
        const matrix = randomMatrix(number, ROWS, features);
        const answers = new Float64Array(ROWS * targets);
        forest.input.set(matrix);
        forest.score(ROWS, answers);
        expectAnswers(answers, await reference(matrix, ROWS), {
          width: targets,
          classifier: false,
          exactly: attributes.postTransform === 0,
        });
      }),
      { numRuns: 200 },
    );
  });

  it('writes a test for a set as a chain', () => {
    const ensemble = fromTreeEnsemble5(MEMBER);
    expect([...ensemble.nodeModes]).toEqual([4, 4, 6, 6]);
    expect([...ensemble.nodeValues]).toEqual([1, 3, 0, 0]);
    expect([...ensemble.nodeTrueIds].slice(0, 2)).toEqual([3, 3]);
    expect([...ensemble.nodeFalseIds].slice(0, 2)).toEqual([1, 2]);
  });

  it.each<[string, Partial<TreeEnsemble5>, string]>([
    ['a short list', { nodeSplits: new Float32Array() }, 'nodeSplits has 0 entries for 1 nodes'],
    [
      'a list of leaves that is too long',
      { leafTargets: new Int32Array(3) },
      'leafTargets has 3 entries for 2 leaves',
    ],
    [
      'missing values for other nodes',
      { nodeMissingTrue: new Uint8Array(2) },
      'nodeMissingTrue has 2 entries for 1 nodes',
    ],
    ['a root that is not there', { treeRoots: Int32Array.of(1) }, 'tree 0 has a node 1 of 1'],
    ['a negative root', { treeRoots: Int32Array.of(-1) }, 'tree 0 has a node -1 of 1'],
    ['a leaf that is not there', { nodeTrueIds: Int32Array.of(2) }, 'tree 0 has a leaf 2 of 2'],
    ['a cycle', { nodeTrueLeafs: Uint8Array.of(0) }, 'node 0 has two parents'],
    ['a tree twice', { treeRoots: Int32Array.of(0, 0) }, 'node 0 has two parents'],
    [
      'an unknown mode',
      { nodeModes: Uint8Array.of(7), memberValues: new Float32Array() },
      'node 0 has an unknown mode',
    ],
    ['an empty set', { memberValues: new Float32Array() }, 'the set of node 0 is empty'],
    [
      'a set with a fraction',
      { memberValues: Float32Array.of(1, 2.5) },
      'the set of node 0 has more than whole',
    ],
    [
      'a set with a large number',
      { memberValues: Float32Array.of(31) },
      'the set of node 0 has more than whole',
    ],
    [
      'too many sets',
      { memberValues: Float32Array.of(1, NaN, 2) },
      'there are more sets than BRANCH_MEMBER nodes',
    ],
    ['an unknown aggregate', { aggregate: 4 }, 'the aggregate function 4 is unknown'],
    ['an unknown transform', { postTransform: -1 }, 'the post transform -1 is unknown'],
  ])('refuses %s by name', (_, damage, why) => {
    expect(() => fromTreeEnsemble5({ ...MEMBER, ...damage })).toThrow(EnsembleRefused);
    expect(() => fromTreeEnsemble5({ ...MEMBER, ...damage })).toThrow(why);
  });

  it('never lets damaged arrays through to where they do harm', () => {
    const random = createRandom(5);
    for (let run = 0; run < 2_000; run++) {
      const damaged: Record<string, unknown> = { ...randomEnsemble5(run, 2, 3) };
      for (let hit = random.below(3); hit > 0; hit--) {
        const name = random.pick(Object.keys(damaged).filter((key) => ArrayBuffer.isView(damaged[key])));
        const array = (damaged[name] as Int32Array).slice();
        array[random.below(array.length)] = random.pick([-1, 0, 1, 2, 6, 7, 1e9, NaN]);
        damaged[name] = array;
      }
      try {
        const compiled = compileForest(fromTreeEnsemble5(damaged as unknown as TreeEnsemble5), 3);
        expectInBounds(compiled);
        const forest = createForest(compiled, 9);
        forest.input.set(randomMatrix(run, 9, 3));
        forest.score(9, new Float64Array(18));
      } catch (error) {
        expect(error).toBeInstanceOf(EnsembleRefused);
      }
    }
  });
});
