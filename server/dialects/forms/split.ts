import type { Table } from '../../model/rows.ts';
import type { JsonObject } from './json.ts';
import { invalidBody } from './json.ts';

/** pandas adds `index`; it means nothing for a prediction, but must be as long as the rows. */
const KEYS = new Set(['columns', 'data', 'index']);

/**
 * Reads pandas' split form, `{"columns": [...], "data": [[...], ...]}`.
 *
 * @throws {Problem} invalid_body
 */
export function readSplit(body: JsonObject): Table {
  const { columns, data, index } = body;
  if (columns === undefined)
    throw invalidBody('The body has no "columns": without names, no cell can be placed.');
  if (data === undefined) throw invalidBody('The body has no "data".');
  for (const key in body) {
    if (!KEYS.has(key)) throw invalidBody('The body has a key other than "columns", "data" and "index".');
  }
  if (!Array.isArray(columns) || !columns.every((name) => typeof name === 'string')) {
    throw invalidBody('"columns" must be a list of strings.');
  }
  if (!Array.isArray(data)) throw invalidBody('"data" must be a list of rows.');
  if (index !== undefined && (!Array.isArray(index) || index.length !== data.length)) {
    throw invalidBody('"index" must be a list as long as "data".');
  }
  return { columns, data };
}
