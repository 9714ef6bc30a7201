import { EnsembleRefused } from '../../../worker/forest/ensemble.ts';
import type { TreeEnsemble } from '../../../worker/forest/ensemble.ts';
import { fromTreeEnsemble5 } from '../../../worker/forest/treeEnsemble5.ts';
import type { ElementType } from '../../../worker/onnx/elementTypes.ts';
import type { OnnxNode } from '../../../worker/onnx/node.ts';

/** Defaults of the operator. https://github.com/onnx/onnx/blob/main/docs/Operators-ml.md#ai.onnx.ml.TreeEnsemble */
const SUM = 1;
const NO_TRANSFORM = 0;

/** Reads a TreeEnsemble, the operator of ai.onnx.ml 5; undefined when it has double precision or is refused. */
export function readTreeEnsemble5({ attributes }: OnnxNode): TreeEnsemble | undefined {
  const int32s = (name: string): Int32Array => attributes.get(name)?.int32s() ?? new Int32Array();
  const flags = (name: string): Uint8Array => Uint8Array.from(int32s(name), (flag) => +(flag === 1));
  const tensor = (name: string, element: ElementType): readonly number[] | undefined => {
    const constant = attributes.get(name)?.tensor();
    return constant === undefined
      ? []
      : constant.element === element
        ? (constant.values as number[])
        : undefined;
  };
  const splits = tensor('nodes_splits', 'float');
  const modes = tensor('nodes_modes', 'uint8');
  const members = tensor('membership_values', 'float');
  const weights = tensor('leaf_weights', 'float');
  if (splits === undefined || modes === undefined || members === undefined || weights === undefined)
    return undefined;
  try {
    return fromTreeEnsemble5({
      targets: attributes.get('n_targets')?.int() ?? 1,
      treeRoots: int32s('tree_roots'),
      nodeFeatures: int32s('nodes_featureids'),
      nodeSplits: Float32Array.from(splits),
      nodeModes: Uint8Array.from(modes),
      nodeTrueIds: int32s('nodes_truenodeids'),
      nodeFalseIds: int32s('nodes_falsenodeids'),
      nodeTrueLeafs: flags('nodes_trueleafs'),
      nodeFalseLeafs: flags('nodes_falseleafs'),
      nodeMissingTrue: flags('nodes_missing_value_tracks_true'),
      memberValues: Float32Array.from(members),
      leafTargets: int32s('leaf_targetids'),
      leafWeights: Float32Array.from(weights),
      aggregate: attributes.get('aggregate_function')?.int() ?? SUM,
      postTransform: attributes.get('post_transform')?.int() ?? NO_TRANSFORM,
    });
  } catch (error) {
    if (error instanceof EnsembleRefused) return undefined;
    throw error;
  }
}
