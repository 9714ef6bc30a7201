import { describe, expect, it } from 'vitest';
import { compileForest } from './compileForest.ts';
import type { TreeEnsemble } from './ensemble.ts';
import { EnsembleRefused, MODES } from './ensemble.ts';
import { createForest } from './forest.ts';
import { expectInBounds } from './testing/bounds.ts';
import { createRandom, randomEnsemble, randomMatrix } from './testing/random.ts';

const FEATURES = 3;
const mode = (name: (typeof MODES)[number]): number => MODES.indexOf(name);

/** Two trees: 0 -> (1 -> (3, 4), 2), and a single leaf. */
const ENSEMBLE: TreeEnsemble = {
  kind: 'regressor',
  outputs: 2,
  nodeTreeIds: Int32Array.of(0, 0, 0, 0, 0, 7),
  nodeIds: Int32Array.of(0, 1, 2, 3, 4, 0),
  nodeModes: Uint8Array.from([0, 0, 6, 6, 6, 6]),
  nodeFeatures: Int32Array.of(0, 2, 0, 0, 0, 0),
  nodeValues: Float32Array.of(1, 2, 0, 0, 0, 0),
  nodeTrueIds: Int32Array.of(1, 3, 0, 0, 0, 0),
  nodeFalseIds: Int32Array.of(2, 4, 0, 0, 0, 0),
  nodeMissingTrue: new Uint8Array(6),
  weightTreeIds: Int32Array.of(0, 0, 0, 7),
  weightNodeIds: Int32Array.of(2, 3, 4, 0),
  weightOutputs: Int32Array.of(0, 1, 0, 1),
  weights: Float32Array.of(1, 2, 3, 4),
  baseValues: new Float32Array(),
  postTransform: 'NONE',
  aggregate: 'SUM',
};

/** The same with some entries of one array replaced. */
function damage<K extends keyof TreeEnsemble>(
  name: K,
  entries: Readonly<Record<number, number>>,
): TreeEnsemble {
  const array = (ENSEMBLE[name] as Int32Array).slice();
  for (const [at, value] of Object.entries(entries)) array[Number(at)] = value;
  return { ...ENSEMBLE, [name]: array };
}

const REFUSED: readonly [string, TreeEnsemble, string][] = [
  [
    'a list that is too short',
    { ...ENSEMBLE, nodeFeatures: new Int32Array(5) },
    'nodeFeatures has 5 entries for 6 nodes',
  ],
  [
    'a list that is too long',
    { ...ENSEMBLE, weightOutputs: new Int32Array(5) },
    'weightOutputs has 5 entries for 4 weights',
  ],
  ['no outputs', { ...ENSEMBLE, outputs: 0 }, '0 outputs'],
  ['too many outputs', { ...ENSEMBLE, outputs: 1e9 }, '1000000000 outputs'],
  ['half an output', { ...ENSEMBLE, outputs: 1.5 }, '1.5 outputs'],
  ['an unknown mode', damage('nodeModes', { 1: 7 }), 'node 1 of tree 0 has an unknown mode'],
  ['a feature behind the last', damage('nodeFeatures', { 1: 3 }), 'node 1 of tree 0 compares feature 3 of 3'],
  ['a negative feature', damage('nodeFeatures', { 0: -1 }), 'node 0 of tree 0 compares feature -1 of 3'],
  ['a threshold of NaN', damage('nodeValues', { 1: NaN }), 'node 1 of tree 0 compares with NaN'],
  [
    'a missing true child',
    damage('nodeTrueIds', { 1: 9 }),
    'node 1 of tree 0 leads to node 9, which is not there',
  ],
  [
    'a missing false child',
    damage('nodeFalseIds', { 1: -1 }),
    'node 1 of tree 0 leads to node -1, which is not there',
  ],
  ['a node that leads to itself', damage('nodeTrueIds', { 1: 1 }), 'node 1 of tree 0 has two parents'],
  ['a way back to the root', damage('nodeTrueIds', { 1: 0 }), 'node 1 of tree 0 leads back to the root'],
  ['two parents', damage('nodeTrueIds', { 1: 2 }), 'node 2 of tree 0 has two parents'],
  ['one child on both sides', damage('nodeTrueIds', { 1: 4 }), 'node 4 of tree 0 has two parents'],
  ['nodes that nothing leads to', damage('nodeModes', { 1: mode('LEAF') }), 'node 3 of tree 0 has no parent'],
  ['a number twice', damage('nodeIds', { 4: 3 }), 'tree 0 has two nodes 3'],
  ['a tree in two places', damage('nodeTreeIds', { 2: 5 }), "the nodes of tree 0 don't stand together"],
  [
    'a leaf without a weight',
    damage('weightNodeIds', { 2: 3 }),
    'node 4 of tree 0 is a leaf without a weight',
  ],
  [
    'a weight for no node',
    damage('weightNodeIds', { 2: 5 }),
    'weight 2 is for node 5 of tree 0, which is not there',
  ],
  [
    'a weight for no tree',
    damage('weightTreeIds', { 3: 1 }),
    'weight 3 is for node 0 of tree 1, which is not there',
  ],
  ['a weight for no output', damage('weightOutputs', { 1: 2 }), 'weight 1 is for output 2 of 2'],
  ['a weight for a negative output', damage('weightOutputs', { 1: -1 }), 'weight 1 is for output -1 of 2'],
  ['an infinite weight', damage('weights', { 1: Infinity }), 'weight 1 is not a finite number'],
  [
    'a base value of NaN',
    { ...ENSEMBLE, baseValues: Float32Array.of(0, NaN) },
    'a base value is not a finite number',
  ],
  ['too many base values', { ...ENSEMBLE, baseValues: new Float32Array(3) }, '3 base values for 2 outputs'],
  ['PROBIT', { ...ENSEMBLE, postTransform: 'PROBIT' }, 'the post transform is PROBIT'],
  [
    'a classifier with one class',
    { ...ENSEMBLE, kind: 'classifier', outputs: 1, weightOutputs: new Int32Array(4) },
    'a classifier with one class',
  ],
  [
    'an answer that ONNX Runtime leaves open',
    { ...ENSEMBLE, kind: 'classifier', baseValues: Float32Array.of(1) },
    'one base value for weights of two classes',
  ],
];

/** A chain in which each node's false child is the next node. */
function chain(depth: number, last: number): TreeEnsemble {
  const nodes = 2 * depth + 1;
  const isBranch = (node: number): boolean => node % 2 === 0 && node < nodes - 1;
  const leaves = Int32Array.from({ length: depth + 1 }, (_, i) => Math.min(2 * i + 1, nodes - 1));
  return {
    ...ENSEMBLE,
    outputs: 1,
    nodeTreeIds: new Int32Array(nodes),
    nodeIds: Int32Array.from({ length: nodes }, (_, node) => node),
    nodeModes: Uint8Array.from({ length: nodes }, (_, node) => (isBranch(node) ? 0 : mode('LEAF'))),
    nodeFeatures: new Int32Array(nodes),
    nodeValues: Float32Array.from({ length: nodes }, (_, node) => node / 2),
    nodeTrueIds: Int32Array.from({ length: nodes }, (_, node) => (isBranch(node) ? node + 1 : 0)),
    nodeFalseIds: Int32Array.from({ length: nodes }, (_, node) => (node === nodes - 3 ? last : node + 2)),
    nodeMissingTrue: new Uint8Array(nodes),
    weightTreeIds: new Int32Array(depth + 1),
    weightNodeIds: leaves,
    weightOutputs: new Int32Array(depth + 1),
    weights: Float32Array.from(leaves),
  };
}

describe('compiling', () => {
  it('takes an ensemble that is in order', () => {
    expectInBounds(compileForest(ENSEMBLE, FEATURES));
  });

  it.each(REFUSED)('refuses %s by name', (_, ensemble, why) => {
    expect(() => compileForest(ensemble, FEATURES)).toThrow(EnsembleRefused);
    expect(() => compileForest(ensemble, FEATURES)).toThrow(why);
    expect(() => compileForest(ensemble, FEATURES)).not.toThrow('\n');
  });

  it('refuses a cycle that nothing leads to', () => {
    // 0 -> (3, 4), and beside it 1 -> (2, 5) and 2 -> (1, 6).
    const loop: TreeEnsemble = {
      ...ENSEMBLE,
      nodeTreeIds: new Int32Array(7),
      nodeIds: Int32Array.of(0, 1, 2, 3, 4, 5, 6),
      nodeModes: Uint8Array.from([0, 0, 0, 6, 6, 6, 6]),
      nodeFeatures: new Int32Array(7),
      nodeValues: new Float32Array(7),
      nodeTrueIds: Int32Array.of(3, 2, 1, 0, 0, 0, 0),
      nodeFalseIds: Int32Array.of(4, 5, 6, 0, 0, 0, 0),
      nodeMissingTrue: new Uint8Array(7),
      weightTreeIds: new Int32Array(4),
      weightNodeIds: Int32Array.of(3, 4, 5, 6),
    };
    expect(() => compileForest(loop, FEATURES)).toThrow('tree 0 has a cycle');
  });

  it('refuses what is too large', () => {
    const wide = {
      ...chain(2 ** 15, 2 ** 16),
      nodeFeatures: Int32Array.from({ length: 2 ** 16 + 1 }, (_, i) => i),
    };
    expect(() => compileForest(wide, 2 ** 17)).toThrow(
      "32768 columns and 131072 nodes in a tree don't fit into 32 bits",
    );
    expect(() => compileForest(ENSEMBLE, 2 ** 24)).toThrow('16777216 features');
    expect(() => createForest(compileForest(ENSEMBLE, 2 ** 20), 1_000)).toThrow(EnsembleRefused);
  });

  it('goes down a million nodes', { timeout: 60_000 }, () => {
    const depth = 1_000_000;
    const forest = createForest(compileForest(chain(depth, 2 * depth), 1), 9);
    const answers = new Float64Array(9);
    forest.input.fill(Infinity);
    forest.input[3] = 500_000;
    forest.score(9, answers);
    expect([...answers]).toEqual([2e6, 2e6, 2e6, 1_000_001, 2e6, 2e6, 2e6, 2e6, 2e6]);
    expect(() => compileForest(chain(depth, 2), 1)).toThrow('has two parents');
  });

  it('shares a child between the nodes of one test for a set, and else not', () => {
    const set: TreeEnsemble = {
      ...ENSEMBLE,
      nodeModes: Uint8Array.from([mode('BRANCH_EQ'), mode('BRANCH_EQ'), 6, 6, 6, 6]),
      nodeTreeIds: Int32Array.of(0, 0, 0, 0, 7, 8),
      nodeIds: Int32Array.of(0, 1, 2, 3, 0, 0),
      nodeFeatures: new Int32Array(6),
      nodeTrueIds: Int32Array.of(3, 3, 0, 0, 0, 0),
      nodeFalseIds: Int32Array.of(1, 2, 0, 0, 0, 0),
      weightTreeIds: Int32Array.of(0, 0, 7, 8),
      weightNodeIds: Int32Array.of(2, 3, 0, 0),
      weightOutputs: new Int32Array(4),
      outputs: 1,
    };
    const compiled = compileForest(set, 1);
    expectInBounds(compiled);
    const forest = createForest(compiled, 4);
    const answers = new Float64Array(4);
    forest.input.set([1, 2, 3, NaN]);
    forest.score(4, answers);
    expect([...answers]).toEqual([9, 9, 8, 8]);
    expect(() => compileForest({ ...set, nodeFeatures: Int32Array.of(0, 1, 0, 0, 0, 0) }, 2)).toThrow(
      'two parents',
    );
    expect(() => compileForest({ ...set, nodeModes: Uint8Array.from([0, 0, 6, 6, 6, 6]) }, 1)).toThrow(
      'two parents',
    );
  });

  it('never lets damaged arrays through to where they do harm', { timeout: 60_000 }, () => {
    const random = createRandom(20_261_121);
    const extremes = [-1, 0, 1, 2, 3, 5, 40, 255, 2 ** 20, 2 ** 31 - 1, -(2 ** 31), NaN, Infinity, -Infinity];
    let compiled = 0;
    for (let run = 0; run < 4_000; run++) {
      const ensemble = randomEnsemble({
        seed: run,
        kind: random.pick(['classifier', 'regressor']),
        outputs: 1 + random.below(4),
        trees: 1 + random.below(4),
        features: FEATURES,
        modes: MODES.filter((name) => name !== 'LEAF'),
        missingTrue: 0.5,
        leaves: random.pick(['first', 'inTurn', 'any']),
        bases: random.below(3),
        negative: true,
        postTransform: random.pick(['NONE', 'LOGISTIC', 'SOFTMAX']),
        aggregate: random.pick(['SUM', 'AVERAGE', 'MIN', 'MAX']),
      });
      const damaged: Record<string, unknown> = { ...ensemble };
      for (let hit = random.below(4); hit > 0; hit--) {
        const name = random.pick(Object.keys(ensemble).filter((key) => ArrayBuffer.isView(damaged[key])));
        const array = (damaged[name] as Int32Array).slice();
        if (random.next() < 0.1) damaged[name] = array.subarray(0, random.below(array.length + 1));
        else {
          const at = random.below(array.length);
          // Values of other entries find more faults than random numbers.
          array[at] =
            random.next() < 0.5 ? random.pick(extremes) : (array[random.below(array.length)] as number);
          damaged[name] = array;
        }
      }
      try {
        const result = compileForest(damaged as unknown as TreeEnsemble, FEATURES);
        expectInBounds(result);
        const forest = createForest(result, 20);
        forest.input.set(randomMatrix(run, 20, FEATURES));
        forest.score(20, new Float64Array(100));
        compiled++;
      } catch (error) {
        expect(error).toBeInstanceOf(EnsembleRefused);
      }
    }
    expect(compiled).toBeGreaterThan(500);
    expect(compiled).toBeLessThan(3_500);
  });
});
