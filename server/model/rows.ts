import type { Matrix, TextCell } from '../../worker/protocol.ts';
import type { CellError } from '../errors/problem.ts';
import type { Refusal } from '../errors/refusals.ts';

/** The rows of a request, as a dialect decoded them: what every dialect is reduced to. */
export interface Table {
  readonly columns: readonly string[];
  /**
   * Rows: lists of cells in the order of `columns`, or objects by column name where `byName` is set. A row of another
   * form or width, and a name that a row lacks, are refused by the encoder.
   */
  readonly data: readonly unknown[];
  readonly byName?: boolean;
  /** For each row of a file the line that it begins on, counted from 1. */
  readonly lines?: readonly number[];
  /** Rows of the same file that came in tables before this one. */
  readonly before?: number;
}

/** Something in an accepted row that its sender should know. Never holds the cell's value. */
export interface Warning {
  readonly row: number;
  readonly column: string;
  readonly code: 'unknown_category';
  readonly message: string;
}

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
