import type { SlotForm } from './absoluteSlots.ts';
import { makeSlotsAbsolute } from './absoluteSlots.ts';
import { checkEnsemble } from './checkEnsemble.ts';
import type { Aggregate, TreeEnsemble } from './ensemble.ts';
import type { Leaves } from './leaves.ts';
import { bitsOf, describeLeaves } from './leaves.ts';
import { createForestMemory, placeArrays } from './forestMemory.ts';
import type { PackedTrees } from './packTrees.ts';
import { packTrees } from './packTrees.ts';
import { findStructure } from './structure.ts';
import type { Transform } from './transforms.ts';

/** A tree ensemble for the kernel: plain values, and arrays in one memory that threads share. */
export interface CompiledForest
  extends PackedTrees, SlotForm, Leaves, Pick<TreeEnsemble, 'kind' | 'outputs' | 'baseValues'> {
  /** Holds the arrays, and what each thread needs beside them. */
  readonly memory: WebAssembly.Memory;
  /** Columns of the input matrix. */
  readonly features: number;
  readonly trees: number;
  readonly postTransform: Transform;
  /** SUM for a classifier. */
  readonly aggregate: Aggregate;
  /** A classifier of two classes has weights for one of them only. */
  readonly oneSided: boolean;
  readonly weightsArePositive: boolean;
}

/** The weight that changes no result: of a sum it is -0, since -0 + 0 is 0. */
export const NEUTRAL: Readonly<Record<Aggregate, number>> = {
  SUM: -0,
  AVERAGE: -0,
  MIN: Infinity,
  MAX: -Infinity,
};

export const aggregateOf = ({ kind, aggregate }: Pick<TreeEnsemble, 'kind' | 'aggregate'>): Aggregate =>
  kind === 'classifier' ? 'SUM' : aggregate;

/**
 * Compiles an ensemble for a matrix with this many features.
 *
 * @throws {EnsembleRefused} with the reason, unless every row of every input ends in a leaf
 */
export function compileForest(ensemble: TreeEnsemble, features: number): CompiledForest {
  checkEnsemble(ensemble, features);
  const structure = findStructure(ensemble);
  const { leaves, wordOf } = describeLeaves(ensemble, structure);
  const { kind, outputs, weights, weightOutputs } = ensemble;
  const aggregate = aggregateOf(ensemble);
  const idleLeaf = leaves.lists.length > 0 ? 0 : bitsOf(NEUTRAL[aggregate]);
  const { shift, ...packed } = packTrees(ensemble, structure, wordOf, idleLeaf);
  const form = makeSlotsAbsolute({ ...packed, shift });
  const { targets, lists, width, counted } = leaves;
  const memory = createForestMemory();
  return {
    memory,
    ...placeArrays(memory, { ...packed, targets, lists }),
    ...form,
    width,
    counted,
    kind,
    outputs,
    features,
    trees: structure.trees.length,
    aggregate,
    baseValues: ensemble.baseValues,
    postTransform: ensemble.postTransform as Transform,
    oneSided: outputs === 2 && weightOutputs.every((output) => output === weightOutputs[0]),
    weightsArePositive: weights.every((weight) => !(weight < 0)),
  };
}
