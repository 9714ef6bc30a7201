import type { ElementType } from '../../worker/onnx/elementTypes.ts';
import type { AttributeSpec, GraphSpec, NodeSpec, TensorSpec, ValueSpec } from './buildModel.ts';
import { buildModel } from './buildModel.ts';

/** Graphs as people bring them, without a model.json: each gives one value `y` for a row. */

type Dim = number | string;

const node = (
  op: string,
  inputs: readonly string[],
  output: string,
  attributes: Readonly<Record<string, AttributeSpec>> = {},
): NodeSpec => ({ op, domain: '', inputs, outputs: [output], attributes });
const value = (name: string, element: ElementType, dims: readonly Dim[]): ValueSpec => ({
  name,
  element,
  dims,
});
const int64s = (...values: number[]): TensorSpec => ({ element: 'int64', dims: [values.length], values });
const floats = (dims: readonly number[], ...values: number[]): TensorSpec => ({
  element: 'float',
  dims,
  values,
});

const graph = (
  inputs: readonly ValueSpec[],
  nodes: readonly NodeSpec[],
  constants: GraphSpec['constants'] = {},
  rows: Dim = 'n',
): Uint8Array =>
  buildModel({
    opsets: { '': 20 },
    inputs,
    nodes,
    constants,
    outputs: [value('y', 'float', [rows, 1])],
  });

const KEEP = { keepdims: { int: 1 } };

/** The sum of three columns x_0 to x_2; a number of rows is fixed. */
export const total = (rows: Dim = 'n'): Uint8Array =>
  graph(
    [value('x', 'float', [rows, 3])],
    [node('ReduceSum', ['x', 'axis'], 'y', KEEP)],
    { axis: int64s(1) },
    rows,
  );

/** The distance of x_0 from the mean of the batch, as of a normalisation in training mode. */
export const mixesRows = (rows: Dim = 'n'): Uint8Array =>
  graph(
    [value('x', 'float', [rows, 1])],
    [
      node('ReduceMean', ['x', 'axis'], 'm', KEEP),
      node('Sub', ['x', 'm'], 'c'),
      node('Add', ['c', 'one'], 'y'),
    ],
    { axis: int64s(0), one: floats([1], 1) },
    rows,
  );

/** x with noise, as of a dropout in training mode. */
export const random = (): Uint8Array =>
  graph(
    [value('x', 'float', ['n', 1])],
    [node('RandomUniformLike', ['x'], 'r'), node('Add', ['x', 'r'], 'y')],
  );

/** The square root: NaN below 0. */
export const root = (): Uint8Array => graph([value('x', 'float', ['n', 1])], [node('Sqrt', ['x'], 'y')]);

/** Takes any number of rows by its declaration, and one by its reshape. */
export const oneRowInside = (): Uint8Array =>
  graph(
    [value('x', 'float', ['n', 3])],
    [node('Reshape', ['x', 'shape'], 'r'), node('ReduceSum', ['r', 'axis'], 'y', KEEP)],
    { axis: int64s(1), shape: int64s(1, 3) },
  );

/** One value for the whole batch. */
export const onePerBatch = (): Uint8Array =>
  graph([value('x', 'float', ['n', 1])], [node('ReduceSum', ['x', 'axis'], 'y', KEEP)], { axis: int64s(0) });

/** Two inputs with batch sizes of their own. */
export const twoSizes = (left: Dim, right: Dim): Uint8Array =>
  graph(
    [value('a', 'float', [left, 1]), value('b', 'float', [right, 1])],
    [node('ReduceSum', ['b', 'axis'], 'sum', KEEP), node('Add', ['a', 'sum'], 'y')],
    { axis: int64s(0) },
    left,
  );

/** 1 for the text "a", 2 for "b", -1 for any other; a number of rows is fixed. */
export const coded = (rows: Dim): Uint8Array =>
  buildModel({
    inputs: [value('t', 'string', [rows, 1])],
    nodes: [
      {
        op: 'LabelEncoder',
        inputs: ['t'],
        outputs: ['y'],
        attributes: {
          keys_strings: { strings: ['a', 'b'] },
          values_floats: { floats: [1, 2] },
          default_float: { float: -1 },
        },
      },
    ],
    outputs: [value('y', 'float', [rows, 1])],
  });

/** A look-up in [10, 11, 12] by k: other indices fail. */
export const lookup = (rows: Dim = 'n'): Uint8Array =>
  graph(
    [value('k', 'int64', [rows, 1])],
    [node('Gather', ['table', 'k'], 'y', { axis: { int: 0 } })],
    { table: floats([3], 10, 11, 12) },
    rows,
  );

/** The number that a text holds: other texts fail. */
export const parsed = (rows: Dim = 'n'): Uint8Array =>
  graph([value('t', 'string', [rows, 1])], [node('Cast', ['t'], 'y', { to: { int: 1 } })], {}, rows);

/** a / b of whole numbers: fails where b is 0. */
export const divided = (): Uint8Array =>
  graph(
    [value('a', 'int64', ['n', 1]), value('b', 'int64', ['n', 1])],
    [node('Div', ['a', 'b'], 'q'), node('Cast', ['q'], 'y', { to: { int: 1 } })],
  );

/**
 * The number of words of a text: alone, a text of an odd number fails. In a batch the longest text decides about all, so
 * that such a text may succeed.
 */
export const evenWords = (): Uint8Array =>
  graph(
    [value('t', 'string', ['n'])],
    [
      { op: 'StringSplit', domain: '', inputs: ['t'], outputs: ['words', 'counts'] },
      node('Reshape', ['words', 'pairs'], 'r'),
      node('Size', ['r'], 'size'),
      node('Mul', ['size', 'zero'], 'nothing'),
      node('Add', ['counts', 'nothing'], 'sum'),
      node('Cast', ['sum'], 'f', { to: { int: 1 } }),
      node('Unsqueeze', ['f', 'axis'], 'y'),
    ],
    { pairs: int64s(-1, 2), zero: int64s(0), axis: int64s(1) },
  );

/** Probabilities [classes, rows] instead of [rows, classes], of the classes 0 and 1. */
export const transposed = (): Uint8Array =>
  buildModel({
    opsets: { '': 18 },
    inputs: [value('x', 'float', ['n', 2])],
    nodes: [
      node('Softmax', ['x'], 'p', { axis: { int: 1 } }),
      node('ArgMax', ['p'], 'label', { axis: { int: 1 }, keepdims: { int: 0 } }),
      node('Transpose', ['p'], 'probabilities', { perm: { ints: [1, 0] } }),
    ],
    outputs: [value('label', 'int64', ['n']), value('probabilities', 'float', [2, 'n'])],
  });
