import { createRandom as createUniform } from '../../../scripts/cli/createRandom.ts';
import type { Mode, TreeEnsemble } from '../ensemble.ts';
import { MODES } from '../ensemble.ts';

/** Numbers that a seed decides on. */
export interface Random {
  /** From 0 to below 1. */
  next(): number;
  /** A whole number from 0 to below `end`. */
  below(end: number): number;
  pick<T>(values: readonly T[]): T;
}

export function createRandom(seed: number): Random {
  const next = createUniform(seed);
  const below = (end: number): number => Math.floor(next() * end);
  return { next, below, pick: (values) => values[below(values.length)] as (typeof values)[number] };
}

/** Few different numbers, so that values often are just at, below or above a threshold. */
export const THRESHOLDS = [-Infinity, -1e9, -1, -0, 0, 2 ** -149, 0.5, 1, 2, 3, 7, 31, 33, 3e38, Infinity];
export const VALUES = [...THRESHOLDS, NaN, NaN, 1.5, 2.0000002, 1e12, -3];

/** What a random ensemble is to be like. */
export interface Traits extends Pick<TreeEnsemble, 'kind' | 'outputs' | 'postTransform' | 'aggregate'> {
  readonly seed: number;
  readonly trees: number;
  readonly features: number;
  readonly modes: readonly Mode[];
  /** Chance that a node sends missing values to its true side. */
  readonly missingTrue: number;
  /** Weights of a leaf: one for a fixed output, one for the output of the tree's turn, or some for any. */
  readonly leaves: 'first' | 'inTurn' | 'any';
  readonly bases: number;
  readonly negative: boolean;
}

/** Builds trees of random shape, some no more than a leaf. */
export function randomEnsemble(traits: Traits): TreeEnsemble {
  const random = createRandom(traits.seed);
  const nodes: {
    tree: number;
    id: number;
    mode: Mode;
    feature: number;
    value: number;
    yes: number;
    no: number;
  }[] = [];
  const weights: { tree: number; node: number; output: number; weight: number }[] = [];
  const weightOf = (): number =>
    Math.fround(
      random.pick([0, 0.25, 1 / 3, random.next(), random.next()]) *
        (traits.negative ? random.pick([1, -1]) : 1),
    );
  for (let tree = 0; tree < traits.trees; tree++) {
    const open = [0];
    let next = 1;
    for (let id = open.shift(); id !== undefined; id = open.shift()) {
      const leaf = next > 40 || random.next() < 0.25;
      const mode = leaf ? 'LEAF' : random.pick(traits.modes);
      const [feature, value] = [random.below(traits.features), random.pick(THRESHOLDS)];
      nodes.push({ tree, id, mode, feature, value, yes: leaf ? 0 : next, no: leaf ? 0 : next + 1 });
      if (!leaf) {
        open.push(next, next + 1);
        next += 2;
        continue;
      }
      const outputs = {
        first: () => [0],
        inTurn: () => [tree % traits.outputs],
        any: () => Array.from({ length: 1 + random.below(3) }, () => random.below(traits.outputs)),
      }[traits.leaves]();
      for (const output of outputs) weights.push({ tree, node: id, output, weight: weightOf() });
    }
  }
  return {
    kind: traits.kind,
    outputs: traits.outputs,
    nodeTreeIds: Int32Array.from(nodes, ({ tree }) => tree),
    nodeIds: Int32Array.from(nodes, ({ id }) => id),
    nodeModes: Uint8Array.from(nodes, ({ mode }) => MODES.indexOf(mode)),
    nodeFeatures: Int32Array.from(nodes, ({ feature }) => feature),
    nodeValues: Float32Array.from(nodes, ({ value }) => value),
    nodeTrueIds: Int32Array.from(nodes, ({ yes }) => yes),
    nodeFalseIds: Int32Array.from(nodes, ({ no }) => no),
    nodeMissingTrue: Uint8Array.from(nodes, () => Number(random.next() < traits.missingTrue)),
    weightTreeIds: Int32Array.from(weights, ({ tree }) => tree),
    weightNodeIds: Int32Array.from(weights, ({ node }) => node),
    weightOutputs: Int32Array.from(weights, ({ output }) => output),
    weights: Float32Array.from(weights, ({ weight }) => weight),
    baseValues: Float32Array.from({ length: traits.bases }, weightOf),
    postTransform: traits.postTransform,
    aggregate: traits.aggregate,
  };
}

/** A matrix of values, [rows, features]. */
export function randomMatrix(seed: number, rows: number, features: number): Float32Array {
  const random = createRandom(seed);
  return Float32Array.from({ length: rows * features }, () => random.pick(VALUES));
}
