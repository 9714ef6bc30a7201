import type { TextCell } from '../../worker/protocol.ts';
import type { CellError } from '../errors.ts';
import { MAX_LISTED, Problem } from '../errors.ts';
import type { Input, Signature } from '../models/signature.ts';
import type { EncodeCell } from './cells.ts';
import { TEXT, createCellEncoder } from './cells.ts';
import { createColumnFinder } from './columns.ts';
import type { Warning } from './warnings.ts';
import { createWarner } from './warnings.ts';

/** The rows of one request, checked cell by cell. */
export interface EncodedRows {
  readonly rows: number;
  /** [rows, columns], row by row. */
  readonly cells: Float64Array;
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
  /** @throws {Problem} invalid_columns or invalid_rows */
  encode(
    columns: readonly string[],
    data: readonly (readonly unknown[])[],
    options?: EncodeOptions,
  ): EncodedRows;
}

interface Column {
  readonly input: Input;
  readonly encode: EncodeCell;
}

/** Makes the encoder of a signature. */
export function createEncoder({ inputs }: Pick<Signature, 'inputs'>): Encoder {
  const columns: readonly Column[] = inputs.map((input) => ({ input, encode: createCellEncoder(input) }));
  const find = createColumnFinder(inputs);
  const warn = createWarner(inputs);
  const width = columns.length;

  return {
    width,
    encode: (names, data, { ignoreExtra = false } = {}) => {
      const positions = find(names, ignoreExtra);
      const cells = new Float64Array(data.length * width);
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
        for (let column = 0; column < width; column++) {
          const value = values[positions[column] as number];
          const { input, encode } = columns[column] as Column;
          const fault = encode(value, cells, row * width + column);
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
