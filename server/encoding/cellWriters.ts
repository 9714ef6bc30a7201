import type { Matrix } from '../../worker/protocol.ts';
import { TEXT_CELL } from '../../worker/protocol.ts';
import type { Input } from '../model/signature.ts';

/** Puts a checked cell where it belongs in a row of a matrix, which starts at `matrix[rowStart]`. */
export type CellWriter<M extends Matrix> =
  | {
      readonly kind: 'text';
      /** @returns whether the text is one of the column's categories */
      readonly write: (text: string, matrix: M, rowStart: number) => boolean;
    }
  | {
      readonly kind: 'number';
      /** NaN stands for a missing value, 0 and 1 for a boolean. */
      readonly write: (value: number, matrix: M, rowStart: number) => void;
    };

/**
 * The writers of a matrix that the whole graph is fed from: one cell a column, a number as it is, a known category as
 * its code, any other text as TEXT_CELL. A string column that takes missing values has no place for them.
 */
export function createColumnWriters(inputs: readonly Input[]): CellWriter<Float64Array>[] {
  return inputs.map(({ type, categories }, column): CellWriter<Float64Array> => {
    if (type !== 'string') {
      return {
        kind: 'number',
        write: (value, matrix, rowStart) => {
          matrix[rowStart + column] = value;
        },
      };
    }
    const codes = new Map(categories?.map((category, code) => [category, code]));
    return {
      kind: 'text',
      write: (text, matrix, rowStart) => {
        const code = codes.get(text);
        matrix[rowStart + column] = code ?? TEXT_CELL;
        return code !== undefined;
      },
    };
  });
}
