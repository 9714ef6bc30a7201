import { cutName } from '../../encoding/columns.ts';
import type { Input } from '../../model/signature.ts';
import type { Table } from '../../model/rows.ts';
import { invalidBody } from './json.ts';

/**
 * Reads an object of lists, one a column: `{"age": [25, 38], ...}`.
 *
 * @throws {Problem} invalid_body when the lists differ in length
 */
export function readColumnwise(
  body: Readonly<Record<string, readonly unknown[]>>,
  inputs: readonly Input[],
): Table {
  const columns = Object.keys(body);
  const lists = Object.values(body);
  const rows = lists[0]?.length ?? 0;
  const other = lists.findIndex(({ length }) => length !== rows);
  if (other !== -1) {
    const describe = (at: number): string =>
      `${JSON.stringify(cutName(columns[at] as string))} has ${lists[at]?.length}`;
    throw invalidBody(`The lists differ in length: ${describe(0)} cells, ${describe(other)}.`);
  }
  // A column is missing, so the encoder refuses the table without its rows.
  if (columns.length < inputs.length) return { columns, data: [] };
  const data = Array.from({ length: rows }, (_, row) => lists.map((list) => list[row]));
  return { columns, data };
}
