import { describe, expect, it } from 'vitest';
import type { TreeEnsemble } from '../forest/ensemble.ts';
import { EnsembleRefused, MODES } from '../forest/ensemble.ts';
import { findStructure } from '../forest/structure.ts';
import { createRandom, randomEnsemble, randomMatrix } from '../forest/testing/random.ts';
import type { Traits } from '../forest/testing/random.ts';
import { createExplainer } from './explainer.ts';
import { packExplanation } from './packExplanation.ts';

const LEAF = MODES.indexOf('LEAF');

/** Counts the rows that come to each node, from a chance at each test. */
function withCovers(ensemble: TreeEnsemble, seed: number): TreeEnsemble {
  const random = createRandom(seed);
  const { order, trueChild, falseChild, trees } = findStructure(ensemble);
  const nodeCovers = new Float32Array(ensemble.nodeIds.length);
  for (const { start } of trees) nodeCovers[start] = 2 ** 24;
  for (const node of order) {
    if (ensemble.nodeModes[node] === LEAF) continue;
    const own = nodeCovers[node] as number;
    const left = own * (0.1 + 0.8 * random.next());
    nodeCovers[trueChild[node] as number] = left;
    nodeCovers[falseChild[node] as number] = own - left;
  }
  return { ...ensemble, nodeCovers };
}

const HOLDS = [
  (x: number, t: number) => x <= t,
  (x: number, t: number) => x < t,
  (x: number, t: number) => x >= t,
  (x: number, t: number) => x > t,
  (x: number, t: number) => x === t,
  (x: number, t: number) => x !== t,
];

/** The expected scores of a row of which only the features of a set are known: the definition of path-dependent SHAP. */
function expected(ensemble: TreeEnsemble, row: Float32Array, known: number): Float64Array {
  const structure = findStructure(ensemble);
  const { trueChild, falseChild, weightStart, weightOrder, trees } = structure;
  const covers = ensemble.nodeCovers as Float32Array;
  const scores = new Float64Array(ensemble.outputs);
  const visit = (node: number, share: number): void => {
    if (ensemble.nodeModes[node] === LEAF) {
      const end =
        ensemble.outputs === 1 ? (weightStart[node] as number) + 1 : (weightStart[node + 1] as number);
      for (let at = weightStart[node] as number; at < end; at++) {
        const i = weightOrder[at] as number;
        (scores[ensemble.weightOutputs[i] as number] as number) += share * (ensemble.weights[i] as number);
      }
      return;
    }
    const [yes, no] = [trueChild[node] as number, falseChild[node] as number];
    const feature = ensemble.nodeFeatures[node] as number;
    if (known & (1 << feature)) {
      const x = row[feature] as number;
      const mode = ensemble.nodeModes[node] as number;
      const missing = Number.isNaN(x) && MODES[mode] !== 'BRANCH_NEQ' && ensemble.nodeMissingTrue[node] === 1;
      visit(missing || HOLDS[mode]?.(x, ensemble.nodeValues[node] as number) ? yes : no, share);
      return;
    }
    for (const child of [yes, no])
      visit(child, (share * (covers[child] as number)) / (covers[node] as number));
  };
  for (const { start } of trees) visit(start, 1);
  return scores;
}

/** Shapley values by their definition: [features][outputs]. */
function shapley(ensemble: TreeEnsemble, features: number, row: Float32Array): Float64Array[] {
  const values = Array.from({ length: 1 << features }, (_, known) => expected(ensemble, row, known));
  const factorial = (n: number): number => (n < 2 ? 1 : n * factorial(n - 1));
  const bits = (n: number): number => n.toString(2).replaceAll('0', '').length;
  return Array.from({ length: features }, (_, feature) =>
    values.reduce((sum, without, known) => {
      if (known & (1 << feature)) return sum;
      const weight = (factorial(bits(known)) * factorial(features - bits(known) - 1)) / factorial(features);
      const withIt = values[known | (1 << feature)] as Float64Array;
      return sum.map((total, k) => total + weight * ((withIt[k] as number) - (without[k] as number)));
    }, new Float64Array(ensemble.outputs)),
  );
}

const TRAITS: Omit<Traits, 'seed'> = {
  kind: 'regressor',
  outputs: 1,
  trees: 4,
  features: 5,
  modes: MODES.filter((mode) => mode !== 'LEAF'),
  missingTrue: 0.5,
  leaves: 'first',
  bases: 0,
  negative: true,
  postTransform: 'NONE',
  aggregate: 'SUM',
};
const generate = (traits: Partial<Traits> & { seed: number }): TreeEnsemble =>
  withCovers(randomEnsemble({ ...TRAITS, ...traits }), traits.seed + 1);
const identity = (features: number): number[] => Array.from({ length: features }, (_, i) => i);

function expectShapley(ensemble: TreeEnsemble, features: number, matrix: Float32Array): void {
  const packed = packExplanation(ensemble, identity(features), features);
  const explainer = createExplainer(packed);
  const rows = matrix.length / features;
  const { outputs } = packed;
  const got = explainer.explain(matrix, rows);
  for (let row = 0; row < rows; row++) {
    const cells = matrix.subarray(row * features, (row + 1) * features);
    const wanted = shapley(ensemble, features, cells);
    for (let k = 0; k < outputs; k++)
      for (let f = 0; f < features; f++)
        expect(got[(row * outputs + k) * features + f]).toBeCloseTo(wanted[f]?.[k] as number, 9);
  }
}

describe('an explanation', () => {
  it.each(Array.from({ length: 40 }, (_, seed) => seed))('is the Shapley values of ensemble %i', (seed) => {
    expectShapley(generate({ seed }), 5, randomMatrix(seed, 8, 5));
  });

  it.each([1, 2, 3])('has one set of values for each output (%i)', (seed) => {
    expectShapley(generate({ seed, outputs: 3, leaves: 'any' }), 5, randomMatrix(seed, 8, 5));
    expectShapley(generate({ seed, outputs: 3, leaves: 'inTurn' }), 5, randomMatrix(seed, 8, 5));
  });

  it('is exact on paths that test more features than a rule of one pass integrates', () => {
    // A chain of 40 tests, each of a feature of its own: the value of a set of features is a product.
    for (const features of [15, 16, 17, 32, 33, 40]) {
      const nodes = 2 * features + 1;
      const covers: number[] = [];
      for (let depth = 0, own = 1; depth < features; depth++, own *= 0.9) covers.push(own, own * 0.1);
      covers.push(0.9 ** features);
      const inner = (node: number): boolean => node % 2 === 0 && node < nodes - 1;
      const numbers = identity(nodes);
      const ensemble: TreeEnsemble = {
        kind: 'regressor',
        outputs: 1,
        nodeTreeIds: new Int32Array(nodes),
        nodeIds: Int32Array.from(numbers),
        nodeModes: Uint8Array.from(numbers, (node) => (inner(node) ? 0 : LEAF)),
        nodeFeatures: Int32Array.from(numbers, (node) => (inner(node) ? node / 2 : 0)),
        nodeValues: new Float32Array(nodes),
        nodeTrueIds: Int32Array.from(numbers, (node) => (inner(node) ? node + 2 : 0)),
        nodeFalseIds: Int32Array.from(numbers, (node) => (inner(node) ? node + 1 : 0)),
        nodeMissingTrue: new Uint8Array(nodes),
        nodeCovers: Float32Array.from(covers),
        weightTreeIds: new Int32Array(features + 1),
        weightNodeIds: Int32Array.from(numbers.filter((node) => !inner(node))),
        weightOutputs: new Int32Array(features + 1),
        weights: Float32Array.from({ length: features + 1 }, (_, leaf) => (leaf === features ? 1 : 0)),
        baseValues: new Float32Array(),
        postTransform: 'NONE',
        aggregate: 'SUM',
      };
      const explainer = createExplainer(packExplanation(ensemble, identity(features), features));
      // The row takes the long path: by symmetry each feature has an equal share of 1 - 0.9 ** features.
      const got = explainer.explain(new Float32Array(features).fill(-1), 1);
      for (const value of got) expect(value).toBeCloseTo((1 - 0.9 ** features) / features, 7);
      expect(got.reduce((sum, value) => sum + value)).toBeCloseTo(1 - 0.9 ** features, 6);
      // A row that leaves it at the end.
      const last = new Float32Array(features).fill(-1);
      last[features - 1] = 1;
      expect(explainer.explain(last, 1).reduce((sum, value) => sum + value)).toBeCloseTo(
        -(0.9 ** features),
        6,
      );
    }
  });

  it('sums up the features of a column, and gives a row the same answer in any company', () => {
    const ensemble = generate({ seed: 5 });
    const matrix = randomMatrix(5, 8, 5);
    const single = createExplainer(packExplanation(ensemble, identity(5), 5));
    const folded = createExplainer(packExplanation(ensemble, [1, 0, 1, 1, 0], 2));
    const all = single.explain(matrix, 8);
    const two = folded.explain(matrix, 8);
    for (let row = 0; row < 8; row++) {
      const [a, b, c, d, e] = all.subarray(5 * row, 5 * row + 5) as unknown as number[];
      expect(two[2 * row]).toBeCloseTo((b as number) + (e as number), 12);
      expect(two[2 * row + 1]).toBeCloseTo((a as number) + (c as number) + (d as number), 12);
      const alone = single.explain(matrix.subarray(5 * row, 5 * row + 5), 1);
      expect(alone).toEqual(all.slice(5 * row, 5 * row + 5));
    }
  });

  it('adds up to the score with the base, also where covers are 0', () => {
    const ensemble = generate({ seed: 7, trees: 10 });
    const covers = (ensemble.nodeCovers as Float32Array).slice();
    const { trueChild, falseChild, order } = findStructure(ensemble);
    // All training rows went to the true side at every other test.
    for (const node of order) {
      if (ensemble.nodeModes[node] === LEAF || node % 2 === 0) continue;
      const [yes, no] = [trueChild[node] as number, falseChild[node] as number];
      if (ensemble.nodeModes[no] !== LEAF || ensemble.nodeModes[yes] !== LEAF) continue;
      covers[yes] = covers[node] as number;
      covers[no] = 0;
    }
    const explained = { ...ensemble, nodeCovers: covers };
    const packed = packExplanation(explained, identity(5), 5);
    const matrix = randomMatrix(9, 16, 5);
    const got = createExplainer(packed).explain(matrix, 16);
    for (let row = 0; row < 16; row++) {
      const cells = matrix.subarray(5 * row, 5 * row + 5);
      const sum = got
        .subarray(5 * row, 5 * row + 5)
        .reduce((total, value) => total + value, packed.base[0] as number);
      expect(sum).toBeCloseTo(expected(explained, cells, 31)[0] as number, 9);
    }
  });

  it('is refused without covers, and where they do not add up', () => {
    const ensemble = generate({ seed: 3 });
    const pack = (nodeCovers: Float32Array | undefined) => () =>
      packExplanation(
        { ...ensemble, ...(nodeCovers ? { nodeCovers } : { nodeCovers: undefined as never }) },
        identity(5),
        5,
      );
    const covers = ensemble.nodeCovers as Float32Array;
    expect(pack(undefined)).toThrow(EnsembleRefused);
    expect(pack(covers.map(() => 1))).toThrow(/has no covers/);
    expect(pack(covers.subarray(1))).toThrow(/has no covers/);
    expect(pack(covers.map((cover, node) => (node === covers.length - 1 ? cover * 2 : cover)))).toThrow(
      /add up/,
    );
    expect(pack(covers.map((cover, node) => (node === 0 ? NaN : cover)))).toThrow(/no counts/);
  });

  it('is refused for more nodes than memory is meant for', () => {
    const many = { ...generate({ seed: 3 }), nodeIds: new Int32Array(2 ** 22 + 1) };
    expect(() => packExplanation(many, identity(5), 5)).toThrow('more than 4194304 nodes');
  });

  it.each([
    [{ aggregate: 'MIN' as const }, 'least value'],
    [{ kind: 'classifier' as const, outputs: 2, bases: 2, leaves: 'first' as const }, 'no sums'],
  ])('is refused for scores that are no sums: %o', (traits, reason) => {
    expect(() => packExplanation(generate({ seed: 4, ...traits }), identity(5), 5)).toThrow(reason);
  });
});
