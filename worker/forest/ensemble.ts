/** Node modes, as the operators name them. */
export const MODES = [
  'BRANCH_LEQ',
  'BRANCH_LT',
  'BRANCH_GTE',
  'BRANCH_GT',
  'BRANCH_EQ',
  'BRANCH_NEQ',
  'LEAF',
] as const;
export type Mode = (typeof MODES)[number];

/** The function of a row's raw scores. */
export type PostTransform = 'NONE' | 'LOGISTIC' | 'SOFTMAX' | 'SOFTMAX_ZERO' | 'PROBIT';

/** How the weights of a row's leaves become its raw score. */
export type Aggregate = 'SUM' | 'AVERAGE' | 'MIN' | 'MAX';

/**
 * A tree ensemble as ai.onnx.ml's TreeEnsembleClassifier and TreeEnsembleRegressor describe it: one entry a node,
 * then one a leaf weight. It is unchecked: compileForest checks it.
 */
export interface TreeEnsemble {
  readonly kind: 'classifier' | 'regressor';
  /** Number of classes (a classifier) or of targets (a regressor). */
  readonly outputs: number;

  // One entry a node.
  readonly nodeTreeIds: Int32Array;
  /** The node's number within its tree. */
  readonly nodeIds: Int32Array;
  /** Index into MODES. */
  readonly nodeModes: Uint8Array;
  readonly nodeFeatures: Int32Array;
  /** Thresholds. */
  readonly nodeValues: Float32Array;
  /** The child for rows for which the comparison holds, as a number within the tree. Unused in a leaf. */
  readonly nodeTrueIds: Int32Array;
  readonly nodeFalseIds: Int32Array;
  /** 1: a row whose feature is NaN takes the true side. */
  readonly nodeMissingTrue: Uint8Array;
  /** Training rows, or their weights, that come to a node: what explanations need. All 1, or undefined: unknown. */
  readonly nodeCovers?: Float32Array;

  // One entry a leaf weight; a leaf may have several, for one output each.
  readonly weightTreeIds: Int32Array;
  readonly weightNodeIds: Int32Array;
  /** Class or target that the weight counts for. */
  readonly weightOutputs: Int32Array;
  readonly weights: Float32Array;

  /** Empty when the model has none. */
  readonly baseValues: Float32Array;
  /** Of some trees of an ensemble: the position of their first weight in it. */
  readonly firstWeight?: number;
  readonly postTransform: PostTransform;
  readonly aggregate: Aggregate;
}

/** The ensemble can't be compiled. The message is one line with the reason. */
export class EnsembleRefused extends Error {
  override readonly name = 'EnsembleRefused';
}
