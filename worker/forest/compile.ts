import { checkEnsemble } from './check.ts';
import type { Aggregate, TreeEnsemble } from './ensemble.ts';
import type { Leaves } from './leaves.ts';
import { bitsOf, describeLeaves } from './leaves.ts';
import type { PackedTrees } from './pack.ts';
import { packTrees } from './pack.ts';
import { findStructure } from './structure.ts';
import type { Transform } from './transforms.ts';

/**
 * A tree ensemble as the kernel takes it: plain values and shared arrays, so that threads get it by message without a
 * copy.
 */
export interface CompiledForest
  extends PackedTrees, Leaves, Pick<TreeEnsemble, 'kind' | 'outputs' | 'baseValues'> {
  /** Columns of the input matrix. */
  readonly features: number;
  readonly trees: number;
  readonly postTransform: Transform;
  /** A classifier sums, whatever is asked of it. */
  readonly aggregate: Aggregate;
  /** A classifier of two classes has weights for one of them only. */
  readonly oneSided: boolean;
  readonly weightsArePositive: boolean;
}

/** What changes no sum (-0 doesn't even turn -0 into 0), no minimum, no maximum. */
const NEUTRAL: Readonly<Record<Aggregate, number>> = { SUM: -0, AVERAGE: -0, MIN: Infinity, MAX: -Infinity };

/**
 * Compiles an ensemble for a matrix with so many features.
 *
 * @throws {EnsembleRefused} with the reason, unless every row of every input ends in a leaf
 */
export function compileForest(ensemble: TreeEnsemble, features: number): CompiledForest {
  checkEnsemble(ensemble, features);
  const structure = findStructure(ensemble);
  const { leaves, wordOf } = describeLeaves(ensemble, structure);
  const { kind, outputs, weights, weightOutputs } = ensemble;
  const aggregate = kind === 'classifier' ? 'SUM' : ensemble.aggregate;
  const idleLeaf = leaves.lists.length > 0 ? 0 : bitsOf(NEUTRAL[aggregate]);
  return {
    ...packTrees(ensemble, structure, wordOf, idleLeaf),
    ...leaves,
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
