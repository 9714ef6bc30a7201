import type { TreeEnsemble } from './ensemble.ts';
import { EnsembleRefused, MODES } from './ensemble.ts';

/** Larger ensembles are left to ONNX Runtime: every thread has a copy of the packed forest, 8 bytes a node and more. */
export const MAX_NODES = 2 ** 24;
export const MAX_WEIGHTS = 2 ** 24;
export const MAX_OUTPUTS = 2 ** 12;
export const MAX_FEATURES = 2 ** 20;

export const LEAF = MODES.indexOf('LEAF');

/** @throws {EnsembleRefused} with the reason */
export function refuse(why: string): never {
  throw new EnsembleRefused(why);
}

/** How a message names a node. */
export function nodeName(ensemble: TreeEnsemble, node: number): string {
  return `node ${ensemble.nodeIds[node]} of tree ${ensemble.nodeTreeIds[node]}`;
}

function checkSizes(ensemble: TreeEnsemble, features: number): void {
  const nodes = ensemble.nodeIds.length;
  const weights = ensemble.weights.length;
  const perNode = [
    'nodeTreeIds',
    'nodeModes',
    'nodeFeatures',
    'nodeValues',
    'nodeTrueIds',
    'nodeFalseIds',
    'nodeMissingTrue',
  ] as const;
  for (const name of perNode) {
    if (ensemble[name].length !== nodes)
      refuse(`${name} has ${ensemble[name].length} entries for ${nodes} nodes`);
  }
  for (const name of ['weightTreeIds', 'weightNodeIds', 'weightOutputs'] as const) {
    if (ensemble[name].length !== weights)
      refuse(`${name} has ${ensemble[name].length} entries for ${weights} weights`);
  }
  const sizes = [
    ['nodes', nodes, MAX_NODES],
    ['weights', weights, MAX_WEIGHTS],
    ['outputs', ensemble.outputs, MAX_OUTPUTS],
    ['features', features, MAX_FEATURES],
  ] as const;
  for (const [what, size, most] of sizes) {
    if (!Number.isInteger(size) || size < 1 || size > most)
      refuse(`${size} ${what}: not one of 1 to ${most}`);
  }
}

function checkNodes(ensemble: TreeEnsemble, features: number): void {
  for (let node = 0; node < ensemble.nodeIds.length; node++) {
    const mode = ensemble.nodeModes[node] as number;
    if (mode >= MODES.length) refuse(`${nodeName(ensemble, node)} has an unknown mode`);
    if (mode === LEAF) continue;
    const feature = ensemble.nodeFeatures[node] as number;
    if (feature < 0 || feature >= features)
      refuse(`${nodeName(ensemble, node)} compares feature ${feature} of ${features}`);
    if (Number.isNaN(ensemble.nodeValues[node])) refuse(`${nodeName(ensemble, node)} compares with NaN`);
  }
}

function checkWeights(ensemble: TreeEnsemble): void {
  const { weights, weightOutputs, outputs, baseValues, firstWeight = 0 } = ensemble;
  for (let i = 0; i < weights.length; i++) {
    const output = weightOutputs[i] as number;
    if (output < 0 || output >= outputs)
      refuse(`weight ${firstWeight + i} is for output ${output} of ${outputs}`);
    if (!Number.isFinite(weights[i])) refuse(`weight ${firstWeight + i} is not a finite number`);
  }
  if (!baseValues.every(Number.isFinite)) refuse('a base value is not a finite number');
}

/** ONNX Runtime may leave the second probability uninitialized. */
export const MIXED = 'one base value for weights of two classes';

/** Checks what the operator allows, and refuses cases in which ONNX Runtime's answers can't be reproduced. */
function checkScores({ kind, outputs, baseValues, weightOutputs, postTransform }: TreeEnsemble): void {
  // ONNX Runtime's approximation amplifies the last bit of a logarithm to the fifth digit of the answer.
  if (postTransform === 'PROBIT') refuse('the post transform is PROBIT');
  const bases = baseValues.length;
  if (kind === 'regressor' || outputs > 2) {
    if (bases !== 0 && bases !== outputs) refuse(`${bases} base values for ${outputs} outputs`);
    return;
  }
  if (bases > 2) refuse(`${bases} base values for ${outputs} outputs`);
  // ONNX Runtime would answer 0 and 1 instead of the label.
  if (outputs === 1) refuse('a classifier with one class');
  if (bases === 1 && weightOutputs.some((output) => output !== weightOutputs[0])) refuse(MIXED);
}

/**
 * Checks an ensemble, except for the shape of its trees: see findStructure.
 *
 * @throws {EnsembleRefused}
 */
export function checkEnsemble(ensemble: TreeEnsemble, features: number): void {
  checkSizes(ensemble, features);
  checkNodes(ensemble, features);
  checkWeights(ensemble);
  checkScores(ensemble);
}
