import type { Labels } from '../compiler/labelEncoding.ts';
import { encodeLabels, listOf } from '../compiler/labelEncoding.ts';
import type { OnnxGraph } from '../../worker/onnx/graph.ts';
import type { OnnxNode } from '../../worker/onnx/node.ts';
import { decodeTensor } from '../../worker/onnx/tensor.ts';

/** Operators that pass labels on, perhaps in another shape or type. */
const PASSES = new Set(['Cast', 'Flatten', 'Identity', 'Reshape', 'Squeeze', 'Transpose', 'Unsqueeze']);
/** Operators that pick labels out of a list, their first input. */
const PICKS = new Set(['ArrayFeatureExtractor', 'Gather']);

/**
 * The classes of a label output, in the order of the probabilities: those of the node that makes the label, not of an
 * inner estimator, which may number them. Exporters store them in a classifier operator or in a constant.
 *
 * @param label name of the output
 * @returns undefined when they can't be read
 * @throws {OnnxRefused} when what holds them is damaged
 */
export function classesOf({ nodes, constants }: OnnxGraph, label: string): Labels | undefined {
  const makers = new Map(nodes.flatMap((node) => node.outputs.map((name) => [name, node])));
  // The name of absent outputs.
  makers.delete('');
  const constantOf = (name: string): Labels | undefined => {
    const tensor = constants.get(name);
    if (tensor) return decodeTensor(tensor).values;
    const maker = makers.get(name);
    return maker?.op === 'Constant' ? maker.attributes.get('value')?.tensor()?.values : undefined;
  };

  let encoder: OnnxNode | undefined;
  let tensor = label;
  let maker = makers.get(tensor);
  while (maker && (PASSES.has(maker.op) || (maker.op === 'LabelEncoder' && !encoder))) {
    if (maker.op === 'LabelEncoder') encoder = maker;
    tensor = maker.inputs[0] ?? '';
    maker = makers.get(tensor);
  }
  if (!maker) return undefined;
  const found = PICKS.has(maker.op)
    ? constantOf(maker.inputs[0] ?? '')
    : maker.outputs[0] === tensor
      ? listOf(maker, 'classlabels_strings', 'classlabels_int64s', 'classlabels_ints')
      : undefined;
  const classes = encoder && found ? encodeLabels(encoder, found) : found;
  const readable = classes?.every((name) => typeof name === 'string' || Number.isInteger(name));
  return readable && new Set(classes).size === classes?.length ? classes : undefined;
}
