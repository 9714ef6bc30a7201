import { elementTypeOf } from '../../../worker/onnx/elementTypes.ts';
import type { OnnxNode } from '../../../worker/onnx/node.ts';
import type { Constant } from '../../../worker/onnx/tensor.ts';

/** A tensor [N, width] behind the matrix x of a lifted model: weights · x + offsets, in float64. */
export interface Affine {
  readonly width: number;
  /** [width, features]. */
  readonly weights: Float64Array;
  readonly offsets: Float64Array;
}

/** What operators read and make. */
export interface Reader {
  readonly features: number;
  affine(name: string): Affine | undefined;
  constant(name: string): Constant | undefined;
  /** A tensor of this width, all zeros. */
  make(width: number): Affine;
}

/** The output of a node that is linear in x; undefined where it isn't. */
type Operator = (node: OnnxNode, reader: Reader) => Affine | undefined;

function map(
  { make, features }: Reader,
  { width, weights, offsets }: Affine,
  count: number,
  scale: (k: number) => number,
  shift: (k: number) => number,
): Affine {
  const made = make(count);
  for (let k = 0; k < count; k++) {
    const from = width === 1 ? 0 : k;
    made.offsets[k] = (offsets[from] as number) * scale(k) + shift(k);
    for (let f = 0; f < features; f++)
      made.weights[k * features + f] = (weights[from * features + f] as number) * scale(k);
  }
  return made;
}

/** y = product · x + offset, with numbers [count, x.width]. */
function multiply(
  reader: Reader,
  x: Affine,
  count: number,
  numbers: (k: number, at: number) => number,
  offset: (k: number) => number,
): Affine {
  const { features } = reader;
  const made = reader.make(count);
  for (let k = 0; k < count; k++) {
    made.offsets[k] = offset(k);
    for (let at = 0; at < x.width; at++) {
      const number = numbers(k, at);
      (made.offsets[k] as number) += number * (x.offsets[at] as number);
      if (number === 0) continue;
      for (let f = 0; f < features; f++)
        (made.weights[k * features + f] as number) += number * (x.weights[at * features + f] as number);
    }
  }
  return made;
}

const numbersOf = (constant: Constant | undefined): readonly number[] | undefined =>
  constant && constant.element !== 'string' ? (constant.values as readonly number[]) : undefined;

/** A constant of one number, or one a column. */
function rowOf(constant: Constant | undefined): readonly number[] | undefined {
  const values = numbersOf(constant);
  return values && values.length === (constant?.dims.at(-1) ?? 1) ? values : undefined;
}

const pick = (list: readonly number[], at: number): number => list[list.length === 1 ? 0 : at] as number;

const binary: Operator = (node, reader) => {
  const [left = '', right = ''] = node.inputs;
  const [a, b] = [reader.affine(left), reader.affine(right)];
  const { op } = node;
  if (a && b) {
    if ((op !== 'Add' && op !== 'Sub') || a.width !== b.width) return undefined;
    const made = reader.make(a.width);
    const sign = op === 'Add' ? 1 : -1;
    made.weights.set(a.weights.map((weight, at) => weight + sign * (b.weights[at] as number)));
    made.offsets.set(a.offsets.map((offset, at) => offset + sign * (b.offsets[at] as number)));
    return made;
  }
  const x = a ?? b;
  const list = rowOf(reader.constant(a ? right : left));
  if (!x || !list || (op === 'Div' && !a)) return undefined;
  const count = Math.max(x.width, list.length);
  if (![1, count].includes(x.width) || ![1, count].includes(list.length)) return undefined;
  switch (op) {
    case 'Add':
      return map(
        reader,
        x,
        count,
        () => 1,
        (k) => pick(list, k),
      );
    case 'Sub':
      return map(
        reader,
        x,
        count,
        () => (a ? 1 : -1),
        (k) => (a ? -1 : 1) * pick(list, k),
      );
    case 'Mul':
      return map(
        reader,
        x,
        count,
        (k) => pick(list, k),
        () => 0,
      );
    default:
      return map(
        reader,
        x,
        count,
        (k) => 1 / pick(list, k),
        () => 0,
      );
  }
};

const matMul: Operator = (node, reader) => {
  const [left = '', right = ''] = node.inputs;
  const x = reader.affine(left);
  const constant = reader.constant(right);
  const values = numbersOf(constant);
  if (!x || !values || constant?.dims[0] !== x.width || constant.dims.length > 2) return undefined;
  const count = constant.dims[1] ?? 1;
  return multiply(
    reader,
    x,
    count,
    (k, at) => values[at * count + k] as number,
    () => 0,
  );
};

const gemm: Operator = (node, reader) => {
  const [left = '', right = '', third = ''] = node.inputs;
  const { attributes } = node;
  const x = reader.affine(left);
  const constant = reader.constant(right);
  const values = numbersOf(constant);
  const transposed = attributes.get('transB')?.int() === 1;
  if (!x || !values || constant?.dims.length !== 2 || attributes.get('transA')?.int() === 1) return undefined;
  const [rows = 0, columns = 0] = constant.dims;
  const [inner, count] = transposed ? [columns, rows] : [rows, columns];
  const added = third === '' ? [0] : rowOf(reader.constant(third));
  if (inner !== x.width || !added || ![1, count].includes(added.length)) return undefined;
  const [alpha, beta] = [attributes.get('alpha')?.float() ?? 1, attributes.get('beta')?.float() ?? 1];
  return multiply(
    reader,
    x,
    count,
    (k, at) => alpha * (values[transposed ? k * inner + at : at * count + k] as number),
    (k) => beta * pick(added, k),
  );
};

const same: Operator = ({ inputs }, reader) => reader.affine(inputs[0] ?? '');

const cast: Operator = (node, reader) => {
  const to = elementTypeOf(node.attributes.get('to')?.int() ?? 0);
  return to === 'float' || to === 'double' ? same(node, reader) : undefined;
};

const concat: Operator = ({ inputs, attributes }, reader) => {
  const parts = inputs.map((name) => reader.affine(name));
  const axis = attributes.get('axis')?.int();
  if ((axis !== 1 && axis !== -1) || parts.some((part) => !part)) return undefined;
  const all = parts as Affine[];
  const made = reader.make(all.reduce((sum, { width }) => sum + width, 0));
  let from = 0;
  for (const { width, weights, offsets } of all) {
    made.weights.set(weights, from * reader.features);
    made.offsets.set(offsets, from);
    from += width;
  }
  return made;
};

const scaler: Operator = ({ inputs, attributes }, reader) => {
  const x = reader.affine(inputs[0] ?? '');
  const [offset, scale] = ['offset', 'scale'].map((name) => [...(attributes.get(name)?.floats() ?? [])]);
  if (!x || !offset || !scale || ![1, x.width].includes(offset.length)) return undefined;
  if (![1, x.width].includes(scale.length)) return undefined;
  return map(
    reader,
    x,
    x.width,
    (k) => pick(scale, k),
    (k) => -pick(offset, k) * pick(scale, k),
  );
};

/** The raw scores of ONNX's linear models. */
const linear: Operator = ({ inputs, attributes }, reader) => {
  const x = reader.affine(inputs[0] ?? '');
  const coefficients = attributes.get('coefficients')?.floats();
  if (!x || !coefficients || x.width === 0 || coefficients.length % x.width !== 0) return undefined;
  const count = coefficients.length / x.width;
  const intercepts = attributes.get('intercepts')?.floats() ?? new Float32Array(count);
  if (intercepts.length !== count) return undefined;
  return multiply(
    reader,
    x,
    count,
    (k, at) => coefficients[k * x.width + at] as number,
    (k) => intercepts[k] as number,
  );
};

/** The operators that keep a tensor linear, by name. */
export const AFFINE_OPERATORS: Readonly<Record<string, Operator>> = {
  Add: binary,
  Sub: binary,
  Mul: binary,
  Div: binary,
  MatMul: matMul,
  Gemm: gemm,
  Identity: same,
  Flatten: same,
  Reshape: same,
  Squeeze: same,
  Cast: cast,
  Concat: concat,
  Scaler: scaler,
  LinearClassifier: linear,
  LinearRegressor: linear,
};
