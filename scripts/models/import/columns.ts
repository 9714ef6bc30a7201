import { TEXT, createCellEncoder } from '../../../server/encoding/cells.ts';
import { exampleRow } from '../../../server/model/exampleRow.ts';
import type { Input, Signature } from '../../../server/model/signature.ts';
import { Failure } from '../../cli/faults.ts';
import type { FileRows } from '../readRows.ts';

/** More different texts than that are no categories. */
const MAX_CATEGORIES = 200;
/** Rows that are made up. */
const MADE_ROWS = 8;

/** By the server's rule and in its words: a range must hold no infinite number. */
function requireCells(input: Input, cells: readonly unknown[]): void {
  const check = createCellEncoder(
    { ...input, nullable: true },
    input.type === 'string'
      ? { kind: 'text', write: () => true }
      : { kind: 'number', write: () => undefined },
  );
  const nowhere = new Float64Array();
  cells.forEach((cell, row) => {
    const fault = check(cell, nowhere, 0);
    if (fault !== undefined && fault !== TEXT)
      throw new Failure(`row ${row}, column ${input.name}: ${fault.message}`);
  });
}

/**
 * Learns from rows: the ranges and categories of columns, and whether a value may be missing.
 *
 * @throws {Failure} naming row and column of a cell that the server would refuse
 */
export function learn(inputs: readonly Input[], { columns, data }: FileRows): Input[] {
  return inputs.map((input) => {
    const at = columns.indexOf(input.name);
    const cells = data.map((row) => row[at] ?? null);
    requireCells(input, cells);
    const nullable = input.type === 'number' && cells.includes(null);
    if (input.type === 'string') {
      const categories = [...new Set(cells.filter((cell) => typeof cell === 'string'))].sort();
      return categories.length > MAX_CATEGORIES ? { ...input, nullable } : { ...input, nullable, categories };
    }
    const numbers = cells.filter((cell) => typeof cell === 'number');
    if (input.type === 'boolean' || numbers.length === 0) return { ...input, nullable };
    const smallest = numbers.reduce((a, b) => Math.min(a, b));
    const largest = numbers.reduce((a, b) => Math.max(a, b));
    return { ...input, nullable, range: [smallest, largest] };
  });
}

/** Rows that the columns accept: an example, and others around it. Never random: the same file gives the same rows. */
export function makeRows(signature: Pick<Signature, 'inputs'>): FileRows {
  const example = exampleRow(signature);
  const data = Array.from({ length: MADE_ROWS }, (_, row) =>
    example.map((cell, column) => {
      if (typeof cell !== 'number') return typeof cell === 'boolean' ? (row + column) % 2 === 1 : cell;
      // Numbers of different sizes, and of both signs.
      return row === 0 ? cell : cell + (((row * 7 + column * 3) % 11) - 5) * 10 ** (row % 3);
    }),
  );
  return { columns: signature.inputs.map(({ name }) => name), data };
}
