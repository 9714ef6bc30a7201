import type { ElementType } from '../../../worker/onnx/elementTypes.ts';

/** An element of a tensor: a number for every numeric type, 0 or 1 for a bool. */
export type Value = number | string;

/** What the graph computes from one cell of a row. */
export type Compute = (cell: Value) => Value;

/** Values for some keys, and one for all others. */
export interface Table {
  readonly values: ReadonlyMap<Value, Value>;
  readonly other: Value;
}

/**
 * One column of a tensor, as a function of one column of the signature: `compute(cell)`, looked up in the table if
 * there is one. A text is only looked up, so its table has all its results.
 */
export interface Feature {
  /** Index of the column in the signature. */
  readonly source: number;
  readonly compute: Compute;
  readonly table?: Table;
  /** Where it is the cell itself, in a float32 matrix: what it is for a missing one. */
  readonly plain?: { readonly missing: number };
}

/** A tensor [N, ...dims] of which each row depends on one row of cells alone. */
export interface SymbolicTensor {
  readonly element: ElementType;
  /** Without the first dimension, the rows. */
  readonly dims: readonly number[];
  /** Row-major over `dims`. */
  readonly features: readonly Feature[];
}

/** An operation that the lifting pass doesn't support. The message completes "it …". */
export class NotUnderstood extends Error {
  override readonly name = 'NotUnderstood';
}

/** Features of one tensor at most: a bound on memory. */
const MAX_FEATURES = 65_536;

/** @throws {NotUnderstood} before more than MAX_FEATURES are made */
export function checkSize(features: number): void {
  if (features > MAX_FEATURES) throw new NotUnderstood(`makes more than ${MAX_FEATURES} features`);
}

/** The value of a table for a key. */
export const lookup = ({ values, other }: Table, key: Value): Value => values.get(key) ?? other;

/** A feature's value for a cell. */
export function evaluate({ compute, table }: Feature, cell: Value): Value {
  const value = compute(cell);
  return table === undefined ? value : lookup(table, value);
}

/** The feature, followed by a function of its value. */
export function mapFeature<From extends Value>(feature: Feature, f: (value: From) => Value): Feature {
  const { source, compute, table, plain } = feature;
  const next = f as Compute;
  if (table === undefined) {
    const mapped = { source, compute: (cell: Value) => next(compute(cell)) };
    const keeps = plain !== undefined && next === Math.fround;
    return keeps ? { ...mapped, plain: { missing: Math.fround(plain.missing) } } : mapped;
  }
  const values = new Map([...table.values].map(([key, value]) => [key, next(value)]));
  return { source, compute, table: { values, other: next(table.other) } };
}

/** The feature, followed by a table. NaN is a key like any other, and 0 and -0 are one key, as in ONNX Runtime. */
export function lookUpFeature(feature: Feature, table: Table): Feature {
  const { source, compute } = feature;
  if (feature.table === undefined) return { source, compute, table };
  return mapFeature(feature, (value) => lookup(table, value));
}
