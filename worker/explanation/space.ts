import { refuse } from '../forest/checkEnsemble.ts';
import type { TreeEnsemble } from '../forest/ensemble.ts';

/** In what contributions add up, and how raw scores become that of each class. */
export interface Space {
  /** The answered probabilities, the scores before their logistic or softmax, or the answered value. */
  readonly space: 'probability' | 'margin' | 'value';
  /** Raw scores of a row. */
  readonly outputs: number;
  /** One raw score s is that of the second of two classes; the first has 1 - s or -s. */
  readonly first?: '1 - s' | '-s';
  /** Of each leaf's weight. */
  readonly scale: number;
}

/** How raw scores, one a class, become the answers: `share` is a logistic of each, divided by their sum. */
export type Link = 'identity' | 'logistic' | 'softmax' | 'share' | 'exp';

/** The answers' scores of each class, or the value, of a row's raw scores. */
export function answersOf({ first }: Pick<Space, 'first'>, link: Link, raw: Float64Array): number[] {
  const [raw0 = 0] = raw;
  const scores = first === undefined ? [...raw] : [first === '1 - s' ? 1 - raw0 : -raw0, raw0];
  const most = Math.max(...scores);
  switch (link) {
    case 'identity':
      return scores;
    case 'exp':
      return scores.map(Math.exp);
    case 'logistic':
      return scores.map((score) => 1 / (1 + Math.exp(-score)));
    case 'softmax':
      return shares(scores.map((score) => Math.exp(score - most)));
    case 'share':
      return shares(scores.map((score) => 1 / (1 + Math.exp(-score))));
  }
}

function shares(sizes: readonly number[]): number[] {
  const sum = sizes.reduce((total, size) => total + size);
  return sizes.map((size) => size / sum);
}

export const NO_COVERS =
  'the file has no covers of its nodes, which npm run import -- add-explanations writes from training rows';

export const spaceNameOf = ({
  kind,
  postTransform,
}: Pick<TreeEnsemble, 'kind' | 'postTransform'>): Space['space'] => {
  if (kind === 'regressor') return 'value';
  return postTransform === 'NONE' ? 'probability' : 'margin';
};

/** Of a regressor `identity`: its value is the raw score. */
export const linkOf = ({ kind, postTransform }: Pick<TreeEnsemble, 'kind' | 'postTransform'>): Link => {
  if (kind === 'regressor' || postTransform === 'NONE') return 'identity';
  return postTransform === 'LOGISTIC' ? 'logistic' : 'softmax';
};

/** @throws {EnsembleRefused} for scores that aren't sums of the leaves' weights */
export function spaceOf(ensemble: TreeEnsemble): Space {
  const { kind, outputs, aggregate, baseValues, postTransform, weightOutputs, weights, nodeTreeIds } =
    ensemble;
  const space = spaceNameOf(ensemble);
  if (kind === 'regressor') {
    if (aggregate === 'MIN' || aggregate === 'MAX')
      refuse(`its trees are combined by their ${aggregate === 'MIN' ? 'least' : 'largest'} value`);
    if (outputs > 1 && postTransform !== 'NONE') refuse('it transforms several targets');
    const scale = aggregate === 'AVERAGE' ? 1 / new Set(nodeTreeIds).size : 1;
    return { space, outputs, scale };
  }
  if (outputs !== 2) return { space, outputs, scale: 1 };
  if (weightOutputs.every((output) => output === 0) && baseValues.length < 2) {
    const positive = weights.every((weight) => !(weight < 0));
    if (space === 'margin' && postTransform !== 'LOGISTIC') refuse('it has one score and a softmax');
    return { space, outputs: 1, first: space === 'probability' && positive ? '1 - s' : '-s', scale: 1 };
  }
  // ONNX Runtime gives the second class the sum of the first, or leaves out a base value.
  if (baseValues.length > 0 || weightOutputs.every((output) => output === 1))
    refuse('its scores of two classes are no sums of their own');
  return { space, outputs, scale: 1 };
}
