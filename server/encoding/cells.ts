import { TEXT_CELL } from '../../worker/protocol.ts';
import type { Input } from '../models/signature.ts';

/** Why a cell is refused: completes "row 3, column age: …". Never holds the cell's value. */
export type CellFault = string;

/** The cell is a text outside the column's categories, to be sent beside the matrix. */
export const TEXT = Symbol('text');

/**
 * Checks one JSON value against its column and writes it at `target[at]`: a number as it is, a missing one as
 * NaN, a known category as its code, any other text as TEXT_CELL.
 */
export type EncodeCell = (
  value: unknown,
  target: Float64Array,
  at: number,
) => undefined | typeof TEXT | CellFault;

/** Above it a finite number would silently become Infinity in a float32 tensor. */
const LARGEST_FLOAT32 = 3.4028234663852886e38;

function kind(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'a list';
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`;
}

/** A fault, or a missing value where the column takes one. */
function refuse(
  value: unknown,
  { nullable }: Input,
  expected: string,
  target: Float64Array,
  at: number,
): CellFault | undefined {
  if (value !== null) return `expected ${expected}, found ${kind(value)}`;
  if (!nullable) return `expected ${expected}, found null (this column takes no missing value)`;
  target[at] = NaN;
  return undefined;
}

function integerCell(input: Input): EncodeCell {
  return (value, target, at) => {
    if (typeof value !== 'number') return refuse(value, input, 'an integer', target, at);
    // In this order: a literal like 1e999 is Infinity, which is large but no fraction.
    if (Math.abs(value) > Number.MAX_SAFE_INTEGER)
      return 'expected an integer within ±(2^53 - 1), found a larger one';
    if (!Number.isInteger(value)) return 'expected an integer, found a fraction';
    target[at] = value;
    return undefined;
  };
}

function numberCell(input: Input): EncodeCell {
  return (value, target, at) => {
    if (typeof value !== 'number') return refuse(value, input, 'a number', target, at);
    if (Math.abs(value) > LARGEST_FLOAT32) return 'expected a number within ±3.4e38, found a larger one';
    target[at] = value;
    return undefined;
  };
}

function booleanCell(input: Input): EncodeCell {
  return (value, target, at) => {
    if (typeof value !== 'boolean') return refuse(value, input, 'a boolean', target, at);
    target[at] = value ? 1 : 0;
    return undefined;
  };
}

function stringCell(input: Input): EncodeCell {
  const codes = new Map(input.categories?.map((category, code) => [category, code]));
  return (value, target, at) => {
    if (typeof value !== 'string') return refuse(value, input, 'a string', target, at);
    const code = codes.get(value);
    target[at] = code ?? TEXT_CELL;
    return code === undefined ? TEXT : undefined;
  };
}

const CELLS = { string: stringCell, number: numberCell, integer: integerCell, boolean: booleanCell };

/** The encoder of one column's cells. */
export function createCellEncoder(input: Input): EncodeCell {
  return CELLS[input.type](input);
}
