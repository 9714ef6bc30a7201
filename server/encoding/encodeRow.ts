import type { Matrix, TextCell } from '../../worker/protocol.ts';
import { MAX_LISTED } from '../errors/problem.ts';
import type { Input } from '../model/signature.ts';
import type { EncodeCell } from './cells.ts';
import { TEXT, createCellEncoder } from './cells.ts';
import type { CellWriter } from './cellWriters.ts';
import type { Positions } from './columns.ts';
import type { RowFaults } from './faults.ts';
import { addFault, addMissing } from './faults.ts';

/** The matrix of a request while its rows are written. */
export interface MatrixRows<M extends Matrix> {
  readonly cells: M;
  /** Texts that the matrix doesn't hold, by row. */
  readonly texts: TextCell[];
  /** Rows that are complete; the next one is written behind them. */
  rows: number;
}

/**
 * Writes the cells of one row behind the rows of a matrix, and adds its faults.
 *
 * @param positions where the columns stand in a list of cells; undefined for an object by column name
 * @returns whether all cells are right
 */
export type EncodeRow<M extends Matrix> = (
  row: number,
  values: unknown,
  positions: Positions | undefined,
  matrix: MatrixRows<M>,
  faults: RowFaults,
) => boolean;

interface Column<M extends Matrix> {
  readonly name: string;
  readonly encode: EncodeCell<M>;
}

/** @param scratch a row of a matrix that is never read */
export function createRowEncoder<M extends Matrix>(
  inputs: readonly Input[],
  writers: readonly CellWriter<M>[],
  width: number,
  scratch: M,
): EncodeRow<M> {
  const columns: readonly Column<M>[] = inputs.map((input, index) => ({
    name: input.name,
    encode: createCellEncoder(input, writers[index] as CellWriter<M>),
  }));
  const byColumnName = new Map(columns.map((column) => [column.name, column]));

  return (row, values, positions, matrix, faults) => {
    if (positions === undefined && faults.total >= MAX_LISTED) {
      const count = countFaults(values as object, byColumnName, scratch);
      if (count !== undefined) {
        addMissing(faults, count);
        return false;
      }
    }
    const { cells, rows } = matrix;
    const rowStart = rows * width;
    let right = true;
    for (let column = 0; column < columns.length; column++) {
      const { name, encode } = columns[column] as Column<M>;
      const value =
        positions === undefined
          ? cellByName(values as object, name)
          : (values as readonly unknown[])[positions[column] as number];
      const fault = encode(value, cells, rowStart);
      if (fault === undefined) continue;
      if (fault === TEXT) matrix.texts.push({ row: rows, column, text: value as string });
      else {
        const { explain, total } = faults;
        // Only faults that are listed need words.
        const explained =
          explain && total < MAX_LISTED ? explain(value, inputs[column] as Input, fault) : fault;
        addFault(faults, row, explained, name);
        right = false;
      }
    }
    return right;
  };
}

/** Undefined where the row lacks the name, whatever it inherits. */
const cellByName = (row: object, name: string): unknown =>
  Object.hasOwn(row, name) ? (row as Readonly<Record<string, unknown>>)[name] : undefined;

/**
 * Counts the wrong cells of a record in the time that its own names take: `{}` is three bytes of a body, and a look-up
 * of each of many columns would block the event loop. Undefined where the record may lack none.
 */
function countFaults<M extends Matrix>(
  row: object,
  columns: ReadonlyMap<string, Column<M>>,
  scratch: M,
): number | undefined {
  if (Object.keys(row).length >= columns.size) return undefined;
  let faults = columns.size;
  for (const name in row) {
    const column = columns.get(name);
    if (column === undefined) continue;
    const fault = column.encode((row as Readonly<Record<string, unknown>>)[name], scratch, 0);
    if (fault === undefined || fault === TEXT) faults--;
  }
  return faults;
}
