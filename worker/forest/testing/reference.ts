import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openSession } from '../../session.ts';
import type { TreeEnsemble } from '../ensemble.ts';
import { MODES } from '../ensemble.ts';
import type { Operator } from './onnx.ts';
import { onnxFile } from './onnx.ts';

/** Answers of ONNX Runtime, in the form of ours. */
export type Reference = (matrix: Float32Array, rows: number) => Promise<Float64Array>;

/** Opens a model of one operator with ONNX Runtime. */
export async function openOperator(operator: Operator): Promise<Reference> {
  const folder = await mkdtemp(join(tmpdir(), 'forest-'));
  const path = join(folder, 'model.onnx');
  await writeFile(path, onnxFile(operator));
  const session = await openSession({ path, sha256: undefined }).finally(() =>
    rm(folder, { recursive: true }),
  );
  const names = Object.keys(operator.outputs);
  return async (matrix, rows) => {
    const data = matrix.slice(0, rows * operator.features);
    const outputs = await session.run(
      { X: { type: 'float32', data, dims: [rows, operator.features] } },
      names,
    );
    const widths = names.map((name) => operator.outputs[name] ?? 1);
    const answers: number[] = [];
    for (let row = 0; row < rows; row++) {
      names.forEach((name, i) => {
        const width = widths[i] as number;
        for (let k = 0; k < width; k++) answers.push(Number(outputs[name]?.data[row * width + k]));
      });
    }
    return Float64Array.from(answers);
  };
}

/** The operator that an ensemble describes. The classes are 0, 1, 2 and so on. */
export function toOperator(ensemble: TreeEnsemble, features: number): Operator {
  const classifier = ensemble.kind === 'classifier';
  const weight = classifier ? 'class' : 'target';
  const attributes: Operator['attributes'] = {
    nodes_treeids: { ints: ensemble.nodeTreeIds },
    nodes_nodeids: { ints: ensemble.nodeIds },
    nodes_modes: { strings: Array.from(ensemble.nodeModes, (mode) => MODES[mode] as string) },
    nodes_featureids: { ints: ensemble.nodeFeatures },
    nodes_values: { floats: ensemble.nodeValues },
    nodes_truenodeids: { ints: ensemble.nodeTrueIds },
    nodes_falsenodeids: { ints: ensemble.nodeFalseIds },
    nodes_missing_value_tracks_true: { ints: ensemble.nodeMissingTrue },
    [`${weight}_treeids`]: { ints: ensemble.weightTreeIds },
    [`${weight}_nodeids`]: { ints: ensemble.weightNodeIds },
    [`${weight}_ids`]: { ints: ensemble.weightOutputs },
    [`${weight}_weights`]: { floats: ensemble.weights },
    post_transform: { s: ensemble.postTransform },
    ...(ensemble.baseValues.length > 0 ? { base_values: { floats: ensemble.baseValues } } : {}),
    ...(classifier
      ? { classlabels_int64s: { ints: Array.from({ length: ensemble.outputs }, (_, k) => k) } }
      : { n_targets: { i: ensemble.outputs }, aggregate_function: { s: ensemble.aggregate } }),
  };
  return {
    type: classifier ? 'TreeEnsembleClassifier' : 'TreeEnsembleRegressor',
    opset: 3,
    features,
    attributes,
    outputs: classifier
      ? { label: undefined, probabilities: ensemble.outputs }
      : { variable: ensemble.outputs },
  };
}

/** Opens an ensemble with ONNX Runtime. */
export const openReference = (ensemble: TreeEnsemble, features: number): Promise<Reference> =>
  openOperator(toOperator(ensemble, features));
