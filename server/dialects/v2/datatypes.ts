import type { Fault } from '../../errors/refusals.ts';
import type { ColumnType } from '../../model/signature.ts';
import { fromHalf, roundToHalf } from '../../../worker/onnx/half.ts';
import { roundToBf16, widenBf16 } from './bf16.ts';

/** Marks an element whose bytes are not UTF-8, until its row and column are known. */
export const NOT_TEXT = Symbol('not text');

/** Marks an element that is not base64 where it must be. */
export const NOT_BASE64 = Symbol('not base64');

/** How the elements of a tensor are read and checked. */
export interface Datatype {
  readonly name: string;
  /** Bytes of an element in binary data; undefined if elements have their own lengths. */
  readonly bytes: number | undefined;
  /** Reads a binary element. NaN in a floating-point tensor is a missing value: null. */
  readonly read: (view: DataView, at: number) => unknown;
  /** Why a value isn't of this datatype; only what the check of the column would not find. */
  readonly fault: (value: unknown) => Fault | undefined;
  /** Converts a value without fault to the precision of the datatype. */
  readonly convert?: (value: unknown) => unknown;
  /** The columns that take it. */
  readonly columns: readonly ColumnType[];
}

const NUMERIC: readonly ColumnType[] = ['integer', 'number'];
const none = (): undefined => undefined;
const missing = (value: number): number | null => (Number.isNaN(value) ? null : value);

function integer(name: string, bits: number, signed: boolean, read: Datatype['read']): Datatype {
  const min = signed ? -(2 ** (bits - 1)) : 0;
  const end = 2 ** (signed ? bits - 1 : bits);
  return {
    name,
    bytes: bits / 8,
    read,
    fault: (value) => {
      if (typeof value !== 'number') return undefined;
      if (value < min || value >= end)
        return { reason: 'range', message: `expected a value within ${name}, found one outside` };
      return Number.isInteger(value)
        ? undefined
        : { reason: 'fraction', message: `expected a value of ${name}, found a fraction` };
    },
    columns: NUMERIC,
  };
}

/** A type that holds fewer numbers than FP64. JSON's fractions are rounded to it; its integers must be held. */
function float(
  name: string,
  bytes: number,
  round: (value: number) => number,
  read: (view: DataView, at: number) => number,
): Datatype {
  return {
    name,
    bytes,
    read: (view, at) => missing(read(view, at)),
    fault: (value) => {
      if (typeof value !== 'number' || !Number.isFinite(value)) return undefined;
      const rounded = round(value);
      if (rounded === value) return undefined;
      if (!Number.isFinite(rounded))
        return { reason: 'range', message: `expected a value within ${name}, found one outside` };
      return Number.isInteger(value)
        ? { reason: 'range', message: `expected a value that ${name} holds, found a longer integer` }
        : undefined;
    },
    convert: (value) => (typeof value === 'number' ? round(value) : value),
    columns: NUMERIC,
  };
}

const DATATYPES: readonly Datatype[] = [
  integer('INT8', 8, true, (view, at) => view.getInt8(at)),
  integer('INT16', 16, true, (view, at) => view.getInt16(at, true)),
  integer('INT32', 32, true, (view, at) => view.getInt32(at, true)),
  // Above 2^53 the number is rounded; the encoder refuses it for its size.
  integer('INT64', 64, true, (view, at) => Number(view.getBigInt64(at, true))),
  integer('UINT8', 8, false, (view, at) => view.getUint8(at)),
  integer('UINT16', 16, false, (view, at) => view.getUint16(at, true)),
  integer('UINT32', 32, false, (view, at) => view.getUint32(at, true)),
  integer('UINT64', 64, false, (view, at) => Number(view.getBigUint64(at, true))),
  float('FP16', 2, roundToHalf, (view, at) => fromHalf(view.getUint16(at, true))),
  float('BF16', 2, roundToBf16, (view, at) => widenBf16(view.getUint16(at, true))),
  float('FP32', 4, Math.fround, (view, at) => view.getFloat32(at, true)),
  {
    name: 'FP64',
    bytes: 8,
    read: (view, at) => missing(view.getFloat64(at, true)),
    fault: none,
    columns: NUMERIC,
  },
  {
    name: 'BOOL',
    bytes: 1,
    read: (view, at) => {
      const byte = view.getUint8(at);
      return byte > 1 ? byte : byte === 1;
    },
    fault: (value) =>
      typeof value === 'number'
        ? { reason: 'type', message: 'expected the byte 0 or 1, found another one' }
        : undefined,
    columns: ['boolean'],
  },
  {
    name: 'BYTES',
    bytes: undefined,
    read: none,
    fault: (value) => {
      if (value === NOT_TEXT) return { reason: 'type', message: 'expected text in UTF-8, found other bytes' };
      return value === NOT_BASE64
        ? { reason: 'type', message: 'expected text in base64, found another text' }
        : undefined;
    },
    columns: ['string'],
  },
];

const BY_NAME = new Map<unknown, Datatype>(DATATYPES.map((datatype) => [datatype.name, datatype]));

/** The datatype of a name; undefined for one that no column takes. */
export const findDatatype = (name: unknown): Datatype | undefined => BY_NAME.get(name);

/** The names of all datatypes. */
export const DATATYPE_NAMES: readonly string[] = DATATYPES.map(({ name }) => name);

/** The names of the datatypes that a column of this type takes. */
export const datatypesOf = (type: ColumnType): string[] =>
  DATATYPES.filter(({ columns }) => columns.includes(type)).map(({ name }) => name);

/** The datatype of a column in a model's metadata. */
export const METADATA_DATATYPES: Readonly<Record<ColumnType, string>> = {
  string: 'BYTES',
  number: 'FP64',
  integer: 'INT64',
  boolean: 'BOOL',
};
