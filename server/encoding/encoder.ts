import type { Matrix, TextCell } from '../../worker/protocol.ts';
import type { CellError } from '../errors.ts';
import { MAX_LISTED, Problem } from '../errors.ts';
import type { Input, Signature } from '../models/signature.ts';
import type { EncodeCell } from './cells.ts';
import { TEXT, createCellEncoder } from './cells.ts';
import { createColumnFinder } from './columns.ts';
import { createSlab } from './slab.ts';
import type { Warning } from './warnings.ts';
import type { CellWriter } from './writers.ts';
import { createColumnWriters } from './writers.ts';
import { createWarner } from './warnings.ts';

/** The rows of one request, checked cell by cell. */
export interface EncodedRows {
  readonly rows: number;
  /** [rows, width], row by row. */
  readonly cells: Matrix;
  /** Strings outside their column's categories, by row. */
  readonly texts: readonly TextCell[];
  /** At most MAX_LISTED of them. */
  readonly warnings: readonly Warning[];
  readonly warningsTotal: number;
}

export interface EncodeOptions {
  /** Whether columns that the signature doesn't have are skipped rather than refused. */
  readonly ignoreExtra?: boolean;
}

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
    data: readonly (readonly unknown[])[],
    options?: EncodeOptions,
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
    encode: (names, data, { ignoreExtra = false } = {}) => {
      const positions = find(names, ignoreExtra);
      const cells = allocate(data.length * width);
      const texts: TextCell[] = [];
      const errors: CellError[] = [];
      let errorsTotal = 0;
      const refuse = (error: CellError): void => {
        if (errorsTotal++ < MAX_LISTED) errors.push(error);
      };
      for (let row = 0; row < data.length; row++) {
        const values = data[row] as readonly unknown[];
        if (values.length !== names.length) {
          refuse({ row, message: `expected ${names.length} cells, found ${values.length}` });
          continue;
        }
        for (let column = 0; column < columns.length; column++) {
          const value = values[positions[column] as number];
          const { input, encode } = columns[column] as Column<M>;
          const fault = encode(value, cells, row * width);
          if (fault === undefined) continue;
          if (fault === TEXT) texts.push({ row, column, text: value as string });
          else refuse({ row, column: input.name, message: fault });
        }
      }
      if (errorsTotal > 0) throw new Problem('invalid_rows', { errors, errorsTotal });
      return { rows: data.length, cells, texts, ...warn(texts) };
    },
  };
}
