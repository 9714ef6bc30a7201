import type { Matrix, TextCell } from '../../worker/protocol.ts';
import type { CellError } from '../errors/problem.ts';
import type { Fault, Refusal } from '../errors/refusals.ts';
import type { Input } from './signature.ts';

/** Says more of a refused cell than its column knows. The fault that it returns never holds the value. */
export type ExplainCell = (value: unknown, input: Input, fault: Fault) => Fault;

/** Stands for a row that could not be read, and says why. A function, since no row that was read is one. */
export type UnreadRow = () => Fault;

/** The rows of a request: every dialect decodes to this. */
export interface Table {
  readonly columns: readonly string[];
  /**
   * Rows: lists of cells in the order of `columns`, or objects by column name where `byName` is set. The encoder
   * refuses a row of another form or width, a row that lacks a name, and an UnreadRow.
   */
  readonly data: readonly unknown[];
  readonly byName?: boolean;
  /** One of `data`, where these are made only when they are looked at. */
  rowAt?(row: number): unknown;
  /** For each row of a file the line that it begins on, counted from 1. */
  readonly lines?: readonly number[];
  /** Number of rows of the same file in earlier tables. */
  readonly before?: number;
  /** Bytes that it keeps in memory, of a table that makes its rows from a body. */
  readonly heldBytes?: number;
  /** Whether the first line of a CSV was taken as a row, since it names no column. */
  readonly headerAbsent?: boolean;
  /** Of rows that were texts. */
  readonly explain?: ExplainCell;
  /** About the table as a whole: they are added to those about its rows. */
  readonly warnings?: readonly Warning[];
}

/** A row as it was received. */
export const rowOf = (table: Table, row: number): unknown =>
  table.rowAt === undefined ? table.data[row] : table.rowAt(row);

/** A remark for the client about an accepted row, or about a whole column at its first row. Never holds a cell's value. */
export interface Warning {
  readonly row: number;
  readonly column: string;
  readonly code: 'unknown_category' | 'index_column';
  readonly message: string;
}

/** Invalid rows that were left out of the matrix. */
export interface RefusedRows {
  /** Their numbers in the body, in order. */
  readonly rows: readonly number[];
  /** At most MAX_LISTED of them. */
  readonly errors: readonly CellError[];
  readonly errorsTotal: number;
  /** Counts of all of them, by reason and column. */
  readonly refusals: readonly Refusal[];
}

/** The rows of one request, checked cell by cell. */
export interface EncodedRows {
  /** Number of rows in the matrix. */
  readonly rows: number;
  /** [rows, width], row by row. */
  readonly cells: Matrix;
  /** Strings outside their column's categories, by row. */
  readonly texts: readonly TextCell[];
  /** At most MAX_LISTED of them. */
  readonly warnings: readonly Warning[];
  readonly warningsTotal: number;
  /** Only where invalid rows may be left out, and if there are any. */
  readonly refused?: RefusedRows;
}

export interface EncodeOptions {
  /** Whether columns that the signature doesn't have are skipped rather than refused. */
  readonly ignoreExtra?: boolean;
  /** Whether an invalid row is left out rather than the whole request refused. */
  readonly skipBadRows?: boolean;
}

/** The JSON of a dialect whose bodies can be read from their bytes. */
export type JsonForm = 'native' | 'instances' | 'mlflow';

/** The rows of a body that was read from its bytes. */
export interface BytesRead {
  readonly encoded: EncodedRows;
  /** Its rows are made when they are looked at. */
  readonly table: Table;
  /** Whether the body was one row and no list. */
  readonly single: boolean;
}

/**
 * Reads a JSON body straight into a matrix.
 *
 * @returns undefined for a body that it doesn't take: the long way reads it, or says what is wrong
 */
export type ReadBytes = (body: Buffer, form: JsonForm) => BytesRead | undefined;

/** The tensors of a V2 request that were read from their bytes. */
export interface TensorsRead {
  readonly encoded: EncodedRows;
  /** Of the request, in its order; those of the signature for one tensor of all. */
  readonly columns: readonly string[];
  /** Where their list ends. */
  readonly end: number;
}

/**
 * Reads the list of tensors in a V2 request straight into a matrix: flat JSON, or binary data behind the JSON.
 *
 * @param from where the list begins
 * @param jsonLength bytes of JSON in the body
 * @returns undefined for tensors that it doesn't take: the long way reads them, or says what is wrong
 */
export type ReadTensors = (body: Buffer, from: number, jsonLength: number) => TensorsRead | undefined;

/** How the lines of a CSV are written, behind its header. */
export interface LinesForm {
  /** Of the file, in its order; without the index. */
  readonly columns: readonly string[];
  readonly delimiter: string;
  readonly decimal: '.' | ',';
  /** Whether the first cell of each line is the number of its row, and of no column. */
  readonly isIndexed: boolean;
  /** Whether columns that the signature doesn't have are skipped. */
  readonly ignoreExtra: boolean;
}

/** Lines of a CSV that were read from their bytes. */
export interface LinesRead {
  readonly encoded: EncodedRows;
  /** Where each row begins, and where the last ends. */
  readonly starts: Uint32Array;
  /** Lines, empty ones too. */
  readonly lines: number;
}

/**
 * Reads whole lines of a CSV straight into a matrix. They must be UTF-8.
 *
 * @param first the number of their first row in the file
 * @returns undefined for lines that it doesn't take: the long way reads them, or says what is wrong
 */
export type ReadLines = (lines: Buffer, first: number) => LinesRead | undefined;

/** What a table holds about its rows beside their cells. */
export type RowForm = Pick<Table, 'byName' | 'lines' | 'explain'>;

/** Turns the rows of a request into a matrix, or reports what is wrong with each cell. */
export interface Encoder {
  /** Cells in a row of the matrix. */
  readonly width: number;
  /** Bytes of a cell: 8 for a Float64Array, 4 for a Float32Array. */
  readonly cellBytes: 8 | 4;
  /** Whether texts outside the categories must reach the thread, since the matrix doesn't hold them. */
  readonly textsTravel: boolean;
  /** Only of a lifted model. */
  readonly readBytes?: ReadBytes;
  /** Only of a lifted model. */
  readonly readTensors?: ReadTensors;
  /** Only of a lifted model. @returns undefined for a header that the long way refuses */
  readonly planLines?: (form: LinesForm) => ReadLines | undefined;
  /** @throws {Problem} invalid_columns or invalid_rows */
  encode(
    columns: readonly string[],
    data: readonly unknown[],
    options?: EncodeOptions,
    form?: RowForm,
  ): EncodedRows;
}
