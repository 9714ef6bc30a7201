import type { Constant } from '../../../worker/onnx/tensor.ts';
import type { Argument, Call, Operator } from './operator.ts';
import { attribute, columnsAt, expectElement, perFeature } from './operator.ts';
import type { Feature, SymbolicTensor } from './symbolic.ts';
import { NotUnderstood, checkSize, mapFeature } from './symbolic.ts';

/**
 * Operators that compute with numbers. A float step is rounded to float32 after each operation: for + - * / on float32
 * operands, rounding the float64 result gives exactly the float32 result (Figueroa, "When is double rounding
 * innocuous?", 1995). One exception: ONNX Runtime's optimizer removes x + 0 and x - -0, and then -0 stays -0.
 */

type Binary = (left: number, right: number) => number;

const OPERATIONS: Readonly<Record<string, Binary>> = {
  Add: (left, right) => left + right,
  Sub: (left, right) => left - right,
  Mul: (left, right) => left * right,
  Div: (left, right) => left / right,
};

/** A constant that doesn't vary by row: one number for all features, or one for each. */
function rowConstant({ dims, values }: Constant): readonly number[] {
  const last = dims.at(-1) ?? 1;
  if (dims.length > 2 || values.length !== last)
    throw new NotUnderstood('has a constant that differs by row');
  return values as readonly number[];
}

const at = <T>(list: readonly T[], index: number): T => list[list.length === 1 ? 0 : index] as T;

/** A matrix of columns and a constant, in either order. */
export const binary: Operator = (call) => {
  const [left, right] = call.inputs as readonly [Argument | undefined, Argument | undefined];
  const constantFirst = left?.kind === 'constant';
  const tensor = columnsAt(call, constantFirst ? 1 : 0);
  const other = constantFirst ? left : right;
  if (other?.kind !== 'constant') throw new NotUnderstood('combines columns');
  expectElement(tensor, 'float', 'double');
  const constant = other.constant();
  if (constant.element !== tensor.element || tensor.dims.length !== 1) {
    throw new NotUnderstood('has operands that do not fit');
  }
  const operands = rowConstant(constant);
  const { features } = tensor;
  const width = Math.max(features.length, operands.length);
  if (![1, width].includes(features.length) || ![1, width].includes(operands.length)) {
    throw new NotUnderstood('has operands that do not fit');
  }
  checkSize(width);
  const operation = OPERATIONS[call.node.op] as Binary;
  const round = tensor.element === 'float' ? Math.fround : (value: number): number => value;
  const combined = Array.from({ length: width }, (_, index) => {
    const operand = at(operands, index);
    return mapFeature<number>(at(features, index), (value) =>
      round(constantFirst ? operation(operand, value) : operation(value, operand)),
    );
  });
  return { element: tensor.element, dims: [width], features: combined };
};

const mapAll = (
  tensor: SymbolicTensor,
  f: (index: number) => (value: number) => number,
): readonly Feature[] => tensor.features.map((feature, index) => mapFeature(feature, f(index)));

const floatsOf = (call: Call, name: string): Float32Array =>
  attribute(call, name)?.floats() ?? new Float32Array();

/** (x - offset) * scale, in the type that C++ gives to x - float: float, or double for a double. */
export const scaler: Operator = (call) => {
  const tensor = columnsAt(call, 0);
  expectElement(tensor, 'float', 'double', 'int64', 'int32');
  const offset = perFeature(floatsOf(call, 'offset'), tensor);
  const scale = perFeature(floatsOf(call, 'scale'), tensor);
  const { fround } = Math;
  const features = mapAll(tensor, (index) => {
    const [o, s] = [offset(index), scale(index)];
    return tensor.element === 'double'
      ? (value) => fround((value - o) * s)
      : (value) => fround(fround(fround(value) - o) * s);
  });
  return { element: 'float', dims: tensor.dims, features };
};

/** Replaces the value that stands for a missing one by a fixed value; if that is NaN, every NaN. */
export const imputer: Operator = (call) => {
  const tensor = columnsAt(call, 0);
  expectElement(tensor, 'float', 'int64');
  const isFloat = tensor.element === 'float';
  const replaced = isFloat
    ? attribute(call, 'replaced_value_float')?.float()
    : attribute(call, 'replaced_value_int64')?.int();
  const imputed = isFloat
    ? floatsOf(call, 'imputed_value_floats')
    : attribute(call, 'imputed_value_int64s')?.ints();
  if (replaced === undefined || imputed === undefined) throw new NotUnderstood('lacks parameters');
  const valueOf = perFeature(imputed, tensor);
  const features = mapAll(tensor, (index) => {
    const instead = valueOf(index);
    return Number.isNaN(replaced)
      ? (value) => (Number.isNaN(value) ? instead : value)
      : (value) => (value === replaced ? instead : value);
  }).map((feature, index): Feature => {
    const missing = tensor.features[index]?.plain?.missing;
    const isPlain = Number.isNaN(replaced) && Number.isNaN(missing);
    return isPlain ? { ...feature, plain: { missing: valueOf(index) } } : feature;
  });
  return { element: tensor.element, dims: tensor.dims, features };
};

/** 1 above a threshold, else 0. ONNX Runtime fails on NaN. */
export const binarizer: Operator = (call) => {
  const tensor = columnsAt(call, 0);
  expectElement(tensor, 'float');
  if (tensor.features.some(call.maybeMissing)) throw new NotUnderstood('fails on missing values');
  const threshold = attribute(call, 'threshold')?.float() ?? 1;
  const features = mapAll(tensor, () => (value) => (value > threshold ? 1 : 0));
  return { element: 'float', dims: tensor.dims, features };
};
