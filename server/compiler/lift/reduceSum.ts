import type { Operator } from './operator.ts';
import { attribute, axisOf, columnsAt, expectElement, numbersAt } from './operator.ts';
import type { Feature, Value } from './symbolic.ts';
import { NotUnderstood } from './symbolic.ts';

/** Below this sum, float32 adds integers exactly in any order. */
const EXACT_INTEGERS = 2 ** 24;

/** The sum of features that look up one and the same value, as a table. */
function sumOf(features: readonly Feature[]): Feature {
  const [first] = features;
  if (first === undefined) throw new NotUnderstood('adds nothing');
  let bound = 0;
  const add = (value: Value): number => {
    const number = value as number;
    if (!Number.isInteger(number)) throw new NotUnderstood('adds numbers that are not whole');
    return number;
  };
  const changes = new Map<Value, number>();
  let other = 0;
  for (const { source, compute, table } of features) {
    if (table === undefined || source !== first.source || compute !== first.compute) {
      throw new NotUnderstood('adds different columns');
    }
    const usual = add(table.other);
    other += usual;
    let largest = Math.abs(usual);
    for (const [key, value] of table.values) {
      changes.set(key, (changes.get(key) ?? 0) + add(value) - usual);
      largest = Math.max(largest, Math.abs(add(value)));
    }
    bound += largest;
  }
  if (bound >= EXACT_INTEGERS) throw new NotUnderstood('adds numbers that are too large');
  const values = new Map([...changes].map(([key, change]) => [key, other + change]));
  return { source: first.source, compute: first.compute, table: { values, other } };
}

/** Adds up the last dimension: exporters write so for rare categories that share one place. */
export const reduceSum: Operator = (call) => {
  const tensor = columnsAt(call, 0);
  expectElement(tensor, 'float');
  // The axes were an attribute before they became an input.
  const axes = attribute(call, 'axes')?.ints() ?? (call.inputs[1] === undefined ? [] : numbersAt(call, 1));
  const last = tensor.dims.length - 1;
  if (axes.length !== 1 || axisOf(tensor, axes[0] as number) !== last) throw new NotUnderstood('mixes rows');
  if ((attribute(call, 'keepdims')?.int() ?? 1) !== 1) throw new NotUnderstood('drops a dimension');
  const size = tensor.dims[last] as number;
  const rows = size === 0 ? 0 : tensor.features.length / size;
  const features = Array.from({ length: rows }, (_, row) =>
    sumOf(tensor.features.slice(row * size, (row + 1) * size)),
  );
  return { element: 'float', dims: tensor.dims.with(last, 1), features };
};
