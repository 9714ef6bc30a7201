import type { Operator } from './operator.ts';
import { attribute, axisOf, columnsAt, constantAt, expectElement, numbersAt } from './operator.ts';
import type { Feature, SymbolicTensor } from './symbolic.ts';
import { NotUnderstood, checkSize, mapFeature } from './symbolic.ts';

/** Operators that move columns without changing values. */

const product = (dims: readonly number[]): number => dims.reduce((size, dim) => size * dim, 1);

export const identity: Operator = (call) => columnsAt(call, 0);

/** Joins tensors along one of their columns' dimensions. */
export const concat: Operator = (call) => {
  const tensors = call.inputs.map((_, index) => columnsAt(call, index));
  const [first] = tensors;
  if (first === undefined) throw new NotUnderstood('has no input');
  const axis = axisOf(first, attribute(call, 'axis')?.int() ?? 1);
  const sizes = tensors.map(({ dims }) => dims[axis] ?? 0);
  const dims = first.dims.with(
    axis,
    sizes.reduce((sum, size) => sum + size, 0),
  );
  for (const tensor of tensors) {
    const same =
      tensor.dims.length === dims.length && tensor.dims.every((dim, i) => i === axis || dim === dims[i]);
    if (!same || tensor.element !== first.element) throw new NotUnderstood('joins tensors that do not fit');
  }
  checkSize(product(dims));
  const features: Feature[] = [];
  const outer = product(dims.slice(0, axis));
  for (let part = 0; part < outer; part++) {
    for (const tensor of tensors) {
      const length = tensor.features.length / outer;
      for (let i = part * length; i < (part + 1) * length; i++) features.push(tensor.features[i] as Feature);
    }
  }
  return { element: first.element, dims, features };
};

/** The rows stay rows when the first dimension is left open and the others hold exactly the columns of one row. */
export const reshape: Operator = (call) => {
  const { element, dims, features } = columnsAt(call, 0);
  const [rows, ...wanted] = numbersAt(call, 1);
  const zeroIsZero = (attribute(call, 'allowzero')?.int() ?? 0) !== 0;
  // A zero copies the dimension of the input that stands at its place.
  const copied = wanted.map((dim, index) => (dim === 0 && !zeroIsZero ? (dims[index] ?? NaN) : dim));
  const known = product(copied.filter((dim) => dim !== -1));
  const shape = copied.map((dim) => (dim === -1 ? features.length / known : dim));
  const keepsRows =
    (rows === -1 && !copied.includes(-1)) ||
    (rows === 0 && !zeroIsZero && copied.filter((dim) => dim === -1).length < 2);
  if (!keepsRows || product(shape) !== features.length || !shape.every((dim) => Number.isInteger(dim))) {
    throw new NotUnderstood('mixes rows');
  }
  return { element, dims: shape, features };
};

/** Selects places along one dimension, which becomes `shape`. */
function take(
  { element, dims, features }: SymbolicTensor,
  axis: number,
  places: readonly number[],
  shape: readonly number[],
): SymbolicTensor {
  const size = dims[axis] as number;
  const inner = product(dims.slice(axis + 1));
  const outer = product(dims.slice(0, axis));
  if (places.some((place) => place < 0 || place >= size))
    throw new NotUnderstood('takes a column that is not there');
  checkSize(outer * places.length * inner);
  const taken: Feature[] = [];
  for (let part = 0; part < outer; part++) {
    for (const place of places) {
      const from = (part * size + place) * inner;
      for (let i = from; i < from + inner; i++) taken.push(features[i] as Feature);
    }
  }
  return { element, dims: [...dims.slice(0, axis), ...shape, ...dims.slice(axis + 1)], features: taken };
}

/** Takes columns by constant indices, which may count from the end. */
export const gather: Operator = (call) => {
  const tensor = columnsAt(call, 0);
  const axis = axisOf(tensor, attribute(call, 'axis')?.int() ?? 0);
  const size = tensor.dims[axis] as number;
  const places = numbersAt(call, 1).map((index) => (index < 0 ? index + size : index));
  return take(tensor, axis, places, constantAt(call, 1).dims);
};

/** Takes columns of the last dimension by constant indices. */
export const arrayFeatureExtractor: Operator = (call) => {
  const tensor = columnsAt(call, 0);
  const places = numbersAt(call, 1);
  return take(tensor, axisOf(tensor, -1), places, [places.length]);
};

/** Cuts a tensor into several along one dimension. */
export const split: Operator = (call) => {
  const tensor = columnsAt(call, 0);
  const axis = axisOf(tensor, attribute(call, 'axis')?.int() ?? 0);
  // The sizes were an attribute before they became an input.
  const sizes = attribute(call, 'split')?.ints() ?? numbersAt(call, 1);
  if (sizes.length !== call.node.outputs.length)
    throw new NotUnderstood('has another number of outputs than sizes');
  let from = 0;
  const parts = sizes.map((size) => {
    const places = Array.from({ length: Math.max(0, size) }, (_, index) => from + index);
    from += places.length;
    return take(tensor, axis, places, [places.length]);
  });
  if (from !== tensor.dims[axis]) throw new NotUnderstood('leaves columns out');
  return parts;
};

/** Joins matrices of different numeric types into one of floats. */
export const featureVectorizer: Operator = (call) => {
  const tensors = call.inputs.map((_, index) => columnsAt(call, index));
  const sizes = attribute(call, 'inputdimensions')?.ints() ?? [];
  tensors.forEach((tensor, index) => {
    expectElement(tensor, 'float', 'double', 'int64', 'int32');
    // ONNX Runtime would cut or pad.
    if (tensor.dims.length !== 1 || tensor.dims[0] !== sizes[index]) {
      throw new NotUnderstood('has other dimensions than its inputs');
    }
  });
  const features = tensors.flatMap((tensor) => tensor.features);
  checkSize(features.length);
  return {
    element: 'float',
    dims: [features.length],
    features: features.map((feature) => mapFeature(feature, Math.fround)),
  };
};
