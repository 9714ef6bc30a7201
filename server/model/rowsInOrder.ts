import type { Golden } from './signature.ts';

/** The rows of a table with their cells in the order of these columns, all of which it has. */
export function rowsInOrder(
  { columns, data }: Pick<Golden, 'columns' | 'data'>,
  names: readonly string[],
): unknown[][] {
  const order = names.map((name) => columns.indexOf(name));
  return data.map((row) => order.map((position) => row[position]));
}
