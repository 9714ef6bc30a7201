import type { Matrix, TextCell } from '../../worker/protocol.ts';
import type { CellError } from '../errors.ts';
import type { Table } from '../dialects/dialect.ts';
import { MAX_LISTED, Problem } from '../errors.ts';
import type { Input, Signature } from '../models/signature.ts';
import type { EncodeCell } from './cells.ts';
import { TEXT, createCellEncoder } from './cells.ts';
import { createColumnFinder } from './columns.ts';
import type { Fault, Refusal } from './refusals.ts';
import { createRefusalCounts } from './refusals.ts';
import { createSlab } from './slab.ts';
import type { Warning } from './warnings.ts';
import type { CellWriter } from './writers.ts';
import { createColumnWriters } from './writers.ts';
import { createWarner } from './warnings.ts';

/** Rows that were left out of the matrix because they are wrong. */
export interface RefusedRows {
  /** Which ones, in order, counted as they stand in the body. */
  readonly rows: readonly number[];
  /** At most MAX_LISTED of them. */
  readonly errors: readonly CellError[];
  readonly errorsTotal: number;
  /** All of them, by reason and column. */
  readonly refusals: readonly Refusal[];
}

/** The rows of one request, checked cell by cell. */
export interface EncodedRows {
  /** Those in the matrix. */
  readonly rows: number;
  /** [rows, width], row by row. */
  readonly cells: Matrix;
  /** Strings outside their column's categories, by row. */
  readonly texts: readonly TextCell[];
  /** At most MAX_LISTED of them. */
  readonly warnings: readonly Warning[];
  readonly warningsTotal: number;
  /** Only where bad rows may be left out, and if there are any. */
  readonly refused?: RefusedRows;
}

export interface EncodeOptions {
  /** Whether columns that the signature doesn't have are skipped rather than refused. */
  readonly ignoreExtra?: boolean;
  /** Whether a row with a bad cell is left out rather than the whole request refused. */
  readonly skipBadRows?: boolean;
}

/** What a table says of its rows beside their cells. */
export type RowForm = Pick<Table, 'byName' | 'lines'>;

/** Turns the rows of a request into a matrix, or says exactly what is wrong with them. */
export interface Encoder {
  /** Cells in a row of the matrix. */
  readonly width: number;
  /** Bytes of a cell: 8 for a Float64Array, 4 for a Float32Array. */
  readonly cellBytes: 8 | 4;
  /** Whether texts outside the categories must reach the thread, since the matrix doesn't hold them. */
  readonly textsTravel: boolean;
  /** @throws {Problem} invalid_columns or invalid_rows */
  encode(
    columns: readonly string[],
    data: readonly unknown[],
    options?: EncodeOptions,
    form?: RowForm,
  ): EncodedRows;
}

interface Column<M extends Matrix> {
  readonly input: Input;
  readonly encode: EncodeCell<M>;
}

interface Layout<M extends Matrix> {
  readonly writers: readonly CellWriter<M>[];
  readonly width: number;
  readonly cellBytes: 8 | 4;
  /** All zeros. */
  readonly allocate: (cells: number) => M;
  readonly textsTravel: boolean;
}

/** The encoder for the whole graph: Float64 [rows, columns]. */
export function createEncoder({ inputs }: Pick<Signature, 'inputs'>): Encoder {
  return createMatrixEncoder(inputs, {
    writers: createColumnWriters(inputs),
    width: inputs.length,
    cellBytes: 8,
    allocate: createSlab(Float64Array, 8),
    textsTravel: true,
  });
}

/** The encoder for a lifted model: Float32 [rows, features]. */
export function createFeatureEncoder(
  { inputs }: Pick<Signature, 'inputs'>,
  writers: readonly CellWriter<Float32Array>[],
  features: number,
): Encoder {
  return createMatrixEncoder(inputs, {
    writers,
    width: features,
    cellBytes: 4,
    allocate: createSlab(Float32Array, 4),
    textsTravel: false,
  });
}

const refuseList = (values: unknown, width: number): Fault | undefined => {
  if (!Array.isArray(values)) return { reason: 'row', message: 'expected a list of cells' };
  if (values.length === width) return undefined;
  return { reason: 'row', message: `expected ${width} cells, found ${values.length}` };
};

const refuseObject = (values: unknown): Fault | undefined =>
  typeof values === 'object' && values !== null && !Array.isArray(values)
    ? undefined
    : { reason: 'row', message: 'expected an object' };

/** Undefined where the row lacks the name, whatever it inherits. */
const cellByName = (row: object, name: string): unknown =>
  Object.hasOwn(row, name) ? (row as Readonly<Record<string, unknown>>)[name] : undefined;

/** Counts the rows of warnings as they stand in the body, given the rows that aren't in the matrix, in order. */
function placeWarnings(warnings: readonly Warning[], refused: readonly number[]): Warning[] {
  let before = 0;
  return warnings.map((warning) => {
    while (before < refused.length && (refused[before] as number) <= warning.row + before) before++;
    return { ...warning, row: warning.row + before };
  });
}

function createMatrixEncoder<M extends Matrix>(inputs: readonly Input[], layout: Layout<M>): Encoder {
  const { writers, width, cellBytes, allocate, textsTravel } = layout;
  const columns: readonly Column<M>[] = inputs.map((input, index) => ({
    input,
    encode: createCellEncoder(input, writers[index] as CellWriter<M>),
  }));
  const find = createColumnFinder(inputs);
  const warn = createWarner(inputs);

  return {
    width,
    cellBytes,
    textsTravel,
    encode: (
      names,
      data,
      { ignoreExtra = false, skipBadRows = false } = {},
      { byName = false, lines } = {},
    ) => {
      const positions = find(names, ignoreExtra);
      const cells = allocate(data.length * width);
      const texts: TextCell[] = [];
      const errors: CellError[] = [];
      let refused: number[] | undefined;
      let errorsTotal = 0;
      const refusals = createRefusalCounts();
      const refuse = (row: number, { reason, message }: Fault, column?: string): void => {
        refusals.add(reason, column);
        if (errorsTotal++ >= MAX_LISTED) return;
        const line = lines?.[row];
        errors.push({
          row,
          ...(line === undefined ? {} : { line }),
          ...(column === undefined ? {} : { column }),
          message,
        });
      };
      /** Rows that are in the matrix. */
      let rows = 0;
      for (let row = 0; row < data.length; row++) {
        const values = data[row];
        const errorsBefore = errorsTotal;
        const textsBefore = texts.length;
        const fault = byName ? refuseObject(values) : refuseList(values, names.length);
        if (fault !== undefined) refuse(row, fault);
        else {
          for (let column = 0; column < columns.length; column++) {
            const { input, encode } = columns[column] as Column<M>;
            const value = byName
              ? cellByName(values as object, input.name)
              : (values as readonly unknown[])[positions[column] as number];
            const fault = encode(value, cells, rows * width);
            if (fault === undefined) continue;
            if (fault === TEXT) texts.push({ row: rows, column, text: value as string });
            else refuse(row, fault, input.name);
          }
        }
        if (errorsTotal === errorsBefore) {
          rows++;
          continue;
        }
        // Its place is taken by the next good row: encoders write only what isn't zero.
        (refused ??= []).push(row);
        texts.length = textsBefore;
        cells.fill(0, rows * width, (rows + 1) * width);
      }
      if (refused === undefined) return { rows, cells, texts, ...warn(texts) };
      if (!skipBadRows) throw new Problem('invalid_rows', { errors, errorsTotal, refusals: refusals.all() });
      const { warnings, warningsTotal } = warn(texts);
      return {
        rows,
        cells: cells.subarray(0, rows * width),
        texts,
        warnings: placeWarnings(warnings, refused),
        warningsTotal,
        refused: { rows: refused, errors, errorsTotal, refusals: refusals.all() },
      };
    },
  };
}
