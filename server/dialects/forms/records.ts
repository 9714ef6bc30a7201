import type { Input } from '../../model/signature.ts';
import type { Table } from '../../model/rows.ts';
import type { JsonObject } from './json.ts';
import { invalidForm, isObject } from './json.ts';

/** Reads one row, `{"age": 25, ...}`. */
export const readRecord = (record: JsonObject): Table => ({
  columns: Object.keys(record),
  data: [record],
  byName: true,
});

/**
 * Reads a list of objects, one a row. The columns are all names that occur. The encoder finds the rows that lack one, so
 * that small objects are never expanded into full rows.
 *
 * @throws {Problem} invalid_body when there are elements, but no object among them
 */
export function readRecords(records: readonly unknown[], inputs: readonly Input[]): Table {
  // Without a row no column is missing.
  if (records.length === 0) return { columns: inputs.map(({ name }) => name), data: [] };
  const columns = new Set<string>();
  let objects = 0;
  for (const record of records) {
    if (!isObject(record)) continue;
    objects++;
    for (const name in record) columns.add(name);
  }
  if (objects === 0)
    throw invalidForm(
      'A row',
      records[0],
      'A list must hold one object a row: without names, no cell can be placed (of a frame, send to_json(orient="split")).',
    );
  return { columns: [...columns], data: records, byName: true };
}
