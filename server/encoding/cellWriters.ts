import type { Matrix } from '../../worker/protocol.ts';
import { TEXT_CELL } from '../../worker/protocol.ts';
import type { Input } from '../model/signature.ts';
import { columnFeed } from '../model/signature.ts';

/** What one text writes: the values of the row that aren't zero. */
export interface TextEntry {
  readonly positions: readonly number[];
  readonly values: readonly number[];
  /** Whether the text is one of the column's categories. */
  readonly known: boolean;
}

/**
 * Writes what a checked cell of one column contributes to a row of a matrix. The row starts at `matrix[rowStart]` and is
 * all zeros before its cells are written.
 */
export type CellWriter<M extends Matrix> =
  | {
      readonly kind: 'text';
      /** What `write` does, as data; `other` for a text that has no entry. Only of a lifted model. */
      readonly table?: { readonly entries: ReadonlyMap<string, TextEntry>; readonly other: TextEntry };
      /** @returns whether the text is one of the column's categories */
      readonly write: (text: string, matrix: M, rowStart: number) => boolean;
    }
  | {
      readonly kind: 'number';
      /** Where `write` puts the number as it is, `missing` for NaN, and writes nothing else. Only of a lifted model. */
      readonly plain?: { readonly position: number; readonly missing: number };
      /** NaN stands for a missing value, 0 and 1 for a boolean. */
      readonly write: (value: number, matrix: M, rowStart: number) => void;
    };

/**
 * The writers for the whole graph, one cell a column: a number as it is, a known category as its code, any other text as
 * TEXT_CELL. For a string column a missing value is its text for null, which has the code after the categories'.
 */
export function createCellWriters(inputs: readonly Input[]): CellWriter<Float64Array>[] {
  return inputs.map((input, column): CellWriter<Float64Array> => {
    if (input.type !== 'string') {
      return {
        kind: 'number',
        write: (value, matrix, rowStart) => {
          matrix[rowStart + column] = value;
        },
      };
    }
    const codes = new Map(columnFeed(input).categories.map((category, code) => [category, code]));
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
