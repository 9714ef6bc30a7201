import { OnnxRefused } from '../../../worker/onnx/onnxRefused.ts';
import type { Constant } from '../../../worker/onnx/tensor.ts';
import type { Affine, Reader } from './affineOperators.ts';
import { AFFINE_OPERATORS } from './affineOperators.ts';
import type { CutPoint } from './cutPoint.ts';

/** Numbers of all tensors together: a bound against files that are made to exhaust memory. */
const MAX_NUMBERS = 2 ** 23;

/** Operators of ONNX between the scores of a linear model and its answers. */
const BEHIND_SCORES = new Set(
  (
    'Abs Add And ArgMax ArrayFeatureExtractor Binarizer Cast Concat Constant Div Equal Exp Flatten Gather Greater GreaterOrEqual ' +
    'Identity LabelEncoder Less LinearClassifier LinearRegressor Log LogSoftmax Mul Neg Normalizer Not ReduceLogSumExp ReduceSum ' +
    'ReduceSumSquare Reshape Sigmoid Slice Softmax Squeeze Sub Sum Unsqueeze Where ZipMap'
  ).split(' '),
);

class TooLarge extends Error {}

/**
 * The tensors behind the matrix that are linear in it, the last ones first; the scores of a linear model are among them.
 *
 * @param constantOf decodes a constant of the graph
 * @returns none where a node is of another kind than those of linear models
 */
export function readLinear(
  { name, matrix, nodes }: CutPoint,
  constantOf: (name: string) => Constant | undefined,
): Affine[] {
  if (nodes.some(({ op }) => !BEHIND_SCORES.has(op) && !Object.hasOwn(AFFINE_OPERATORS, op))) return [];
  const features = matrix.features.length;
  let numbers = 0;
  const make = (width: number): Affine => {
    numbers += width * (features + 1);
    if (numbers > MAX_NUMBERS) throw new TooLarge();
    return { width, weights: new Float64Array(width * features), offsets: new Float64Array(width) };
  };
  const found = new Map<string, Affine>();
  const reader: Reader = { features, make, affine: (one) => found.get(one), constant: constantOf };
  try {
    const own = make(features);
    for (let f = 0; f < features; f++) own.weights[f * features + f] = 1;
    found.set(name, own);
    for (const node of nodes) {
      const read = Object.hasOwn(AFFINE_OPERATORS, node.op)
        ? AFFINE_OPERATORS[node.op]?.(node, reader)
        : undefined;
      // The scores of a LinearClassifier are its second output.
      const output = node.outputs[node.op === 'LinearClassifier' ? 1 : 0];
      if (read && output !== undefined) found.set(output, read);
    }
  } catch (error) {
    if (!(error instanceof TooLarge || error instanceof OnnxRefused)) throw error;
    return [];
  }
  found.delete(name);
  return [...found.values()].reverse();
}
