import type { Matrix } from '../../worker/protocol.ts';
import type { Input } from '../model/signature.ts';
import type { NarrowTensor } from '../model/tensorLimits.ts';
import { datatypeOf, isHeld, largestNumber } from '../model/tensorLimits.ts';
import type { Fault } from '../errors/refusals.ts';
import type { CellWriter } from './cellWriters.ts';

/** The cell is a text outside the column's categories, to be sent beside the matrix. */
export const TEXT = Symbol('text');

/** Checks one JSON value against its column and writes it into the row that starts at `matrix[rowStart]`. */
export type EncodeCell<M extends Matrix> = (
  value: unknown,
  matrix: M,
  rowStart: number,
) => undefined | typeof TEXT | Fault;

function kind(value: unknown): string {
  if (value === null) return 'null';
  // The row lacks the name.
  if (value === undefined) return 'nothing';
  if (Array.isArray(value)) return 'a list';
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`;
}

/** Why a value of another type is refused; undefined for null in a nullable column. */
function refuse(value: unknown, { nullable }: Input, expected: string): Fault | undefined {
  if (value !== null) {
    const reason = value === undefined ? 'missing' : 'type';
    return { reason, message: `expected ${expected}, found ${kind(value)}` };
  }
  if (nullable) return undefined;
  return {
    reason: 'missing',
    message: `expected ${expected}, found null (this column takes no missing value)`,
  };
}

/** Why an integer column refuses a number. */
function refuseInteger(value: number): Fault | undefined {
  // In this order: a literal like 1e999 is Infinity, which is out of range rather than a fraction.
  if (Math.abs(value) > Number.MAX_SAFE_INTEGER)
    return { reason: 'range', message: 'expected an integer within ±(2^53 - 1), found a larger one' };
  return Number.isInteger(value)
    ? undefined
    : { reason: 'fraction', message: 'expected an integer, found a fraction' };
}

/** Why an integer column refuses a number where such a tensor takes it: it would become another one. */
const refuseUnheld = (tensor: NarrowTensor) => {
  const message = `expected an integer that ${datatypeOf(tensor)} holds (the model computes in it), found a longer one`;
  return (value: number): Fault | undefined => {
    const fault = refuseInteger(value);
    return fault !== undefined || isHeld(tensor, value) ? fault : { reason: 'range', message };
  };
};

/** Why a number column refuses a number: it would become Infinity. */
const refuseLarge = (tensor: NarrowTensor | undefined) => {
  const largest = largestNumber(tensor);
  const message = `expected a number within ±${tensor === 'float16' ? largest : '3.4e38'}, found a larger one`;
  return (value: number): Fault | undefined =>
    Math.abs(value) > largest ? { reason: 'range', message } : undefined;
};

type WriteNumber<M extends Matrix> = Extract<CellWriter<M>, { kind: 'number' }>['write'];
type WriteText<M extends Matrix> = Extract<CellWriter<M>, { kind: 'text' }>['write'];

function numericCell<M extends Matrix>(
  input: Input,
  write: WriteNumber<M>,
  expected: string,
  refuseValue: (value: number) => Fault | undefined,
): EncodeCell<M> {
  return (value, matrix, rowStart) => {
    if (typeof value === 'number') {
      const fault = refuseValue(value);
      if (fault === undefined) write(value, matrix, rowStart);
      return fault;
    }
    const fault = refuse(value, input, expected);
    if (fault === undefined) write(NaN, matrix, rowStart);
    return fault;
  };
}

function booleanCell<M extends Matrix>(input: Input, write: WriteNumber<M>): EncodeCell<M> {
  return (value, matrix, rowStart) => {
    const fault = typeof value === 'boolean' ? undefined : refuse(value, input, 'a boolean');
    if (fault === undefined) write(value === null ? NaN : Number(value), matrix, rowStart);
    return fault;
  };
}

/** A request that holds the text for null would be answered as one with null, unnoticed. */
const RESERVED: Fault = {
  reason: 'range',
  message: 'expected a string, found the text that stands for a missing value in the model: send null',
};

const UNKNOWN: Fault = {
  reason: 'range',
  message: 'expected one of the known categories, found another text (the model takes no other)',
};

function textCell<M extends Matrix>(input: Input, write: WriteText<M>): EncodeCell<M> {
  const unknown = input.closed === true ? UNKNOWN : TEXT;
  return (value, matrix, rowStart) => {
    if (typeof value === 'string') return write(value, matrix, rowStart) ? undefined : unknown;
    const fault = refuse(value, input, 'a string');
    // An ONNX string can't be null. Every nullable string column of a version has such a text.
    if (fault === undefined) write(input.missing ?? '', matrix, rowStart);
    return fault;
  };
}

/** The encoder of one column's cells. */
export function createCellEncoder<M extends Matrix>(input: Input, writer: CellWriter<M>): EncodeCell<M> {
  if (writer.kind === 'text') {
    const text = textCell(input, writer.write);
    const { missing } = input;
    if (missing === undefined) return text;
    return (value, matrix, rowStart) => (value === missing ? RESERVED : text(value, matrix, rowStart));
  }
  const { tensor } = input;
  if (input.type === 'boolean') return booleanCell(input, writer.write);
  return input.type === 'integer'
    ? numericCell(input, writer.write, 'an integer', tensor ? refuseUnheld(tensor) : refuseInteger)
    : numericCell(input, writer.write, 'a number', refuseLarge(tensor));
}
