import type { Attribute } from '../../../worker/onnx/attribute.ts';
import type { ElementType } from '../../../worker/onnx/elementTypes.ts';
import { toInt64 } from './casts.ts';
import type { Call, Operator } from './operator.ts';
import { attribute, columnsAt, expectElement } from './operator.ts';
import type { Table, Value } from './symbolic.ts';
import { NotUnderstood, checkSize, lookUpFeature, mapFeature } from './symbolic.ts';

/** Operators that map values by a table: https://github.com/onnx/onnx/blob/main/docs/Operators-ml.md */

/** A row of zeros with a one at the place of the value's category. */
export const oneHotEncoder: Operator = (call) => {
  const tensor = columnsAt(call, 0);
  expectElement(tensor, 'string', 'int64', 'float', 'double');
  if (tensor.dims.length > 1) throw new NotUnderstood('takes a tensor that is no matrix');
  // With zeros=0 ONNX Runtime fails the whole batch at an unknown category.
  if ((attribute(call, 'zeros')?.int() ?? 1) === 0)
    throw new NotUnderstood('refuses unknown categories (zeros=0)');
  const isText = tensor.element === 'string';
  const categories: readonly Value[] = isText
    ? (attribute(call, 'cats_strings')?.strings() ?? [])
    : (attribute(call, 'cats_int64s')?.ints() ?? []);
  if (categories.length === 0) throw new NotUnderstood('has no categories');
  checkSize(tensor.features.length * categories.length);
  // The last of equal categories wins.
  const places = new Map(categories.map((category, place) => [category, place]));
  const tables = categories.map((category, place): Table => ({
    values: places.get(category) === place ? new Map([[category, 1]]) : new Map(),
    other: 0,
  }));
  const features = tensor.features.flatMap((feature) => {
    // One function for all places, so that the row encoder computes it once.
    const key = isText || tensor.element === 'int64' ? feature : mapFeature(feature, toInt64);
    return tables.map((table) => lookUpFeature(key, table));
  });
  return { element: 'float', dims: [...tensor.dims, categories.length], features };
};

/** A list of keys or values in one of its forms, with its element type. */
interface Listed {
  readonly element: ElementType;
  readonly values: readonly Value[];
}

const LISTS: readonly {
  suffix: string;
  element: ElementType;
  read: (from: Attribute) => readonly Value[];
}[] = [
  { suffix: 'strings', element: 'string', read: (from) => from.strings() },
  { suffix: 'int64s', element: 'int64', read: (from) => from.ints() },
  { suffix: 'floats', element: 'float', read: (from) => [...from.floats()] },
];

function listed(call: Call, prefix: 'keys' | 'values'): Listed {
  for (const { suffix, element, read } of LISTS) {
    const found = attribute(call, `${prefix}_${suffix}`);
    if (found !== undefined) return { element, values: read(found) };
  }
  const tensor = attribute(call, `${prefix}_tensor`)?.tensor();
  if (tensor === undefined) throw new NotUnderstood(`lacks its ${prefix}`);
  return tensor;
}

/** The value of unknown keys, with the defaults of the operator. */
function defaultOf(call: Call, element: ElementType): Value {
  const tensor = attribute(call, 'default_tensor')?.tensor();
  if (tensor !== undefined) {
    if (tensor.element !== element || tensor.values.length !== 1)
      throw new NotUnderstood('has a default of another type');
    return tensor.values[0] as Value;
  }
  switch (element) {
    case 'string':
      return attribute(call, 'default_string')?.string() ?? '_Unused';
    case 'int64':
      return attribute(call, 'default_int64')?.int() ?? -1;
    case 'float':
      return attribute(call, 'default_float')?.float() ?? -0;
    default:
      throw new NotUnderstood('has values of a type that is not supported');
  }
}

/** Since this version NaN is a key like any other; before, it equals nothing. */
const NAN_KEYS = 4;

/** The form of version 1: classes and their indexes, mapped in either direction. */
function classes(call: Call, from: ElementType): { keys: Listed; values: Listed } {
  const names: Listed = { element: 'string', values: attribute(call, 'classes_strings')?.strings() ?? [] };
  const numbers: Listed = { element: 'int64', values: names.values.map((_, index) => index) };
  return from === 'string' ? { keys: names, values: numbers } : { keys: numbers, values: names };
}

/** A value for each key, another for all unknown ones. */
export const labelEncoder: Operator = (call) => {
  const tensor = columnsAt(call, 0);
  const old = attribute(call, 'classes_strings') !== undefined;
  const { keys, values } = old
    ? classes(call, tensor.element)
    : { keys: listed(call, 'keys'), values: listed(call, 'values') };
  expectElement(tensor, keys.element);
  if (keys.values.length !== values.values.length)
    throw new NotUnderstood('has another number of keys than values');
  const table = new Map<Value, Value>();
  keys.values.forEach((key, index) => {
    if (Number.isNaN(key) && call.opset < NAN_KEYS) return;
    // Which of two equal keys wins depends on ONNX Runtime's optimizer.
    if (table.has(key)) throw new NotUnderstood('has a key twice');
    table.set(key, values.values[index] as Value);
  });
  const encoder: Table = { values: table, other: defaultOf(call, values.element) };
  return {
    element: values.element,
    dims: tensor.dims,
    features: tensor.features.map((feature) => lookUpFeature(feature, encoder)),
  };
};
