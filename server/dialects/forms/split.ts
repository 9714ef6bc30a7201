import type { Table } from '../../model/rows.ts';
import type { JsonObject } from './json.ts';
import { invalidBody, invalidForm } from './json.ts';

/** pandas adds `index`; it means nothing for a prediction, but must be as long as the rows. */
const KEYS = new Set(['columns', 'data', 'index']);

const isString = (name: unknown): name is string => typeof name === 'string';

/** Names of which some are numbers, as of a frame without names: pandas writes them as texts in its other forms. */
function readNames(columns: readonly unknown[]): string[] {
  return columns.map((name) => {
    if (isString(name)) return name;
    if (Number.isInteger(name)) return String(name);
    throw invalidBody('"columns" must be a list of strings.');
  });
}

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
  if (!Array.isArray(columns))
    throw invalidForm('"columns"', columns, '"columns" must be a list of strings.');
  if (!Array.isArray(data)) throw invalidForm('"data"', data, '"data" must be a list of rows.');
  if (index !== undefined && (!Array.isArray(index) || index.length !== data.length)) {
    throw invalidBody('"index" must be a list as long as "data".');
  }
  return { columns: columns.every(isString) ? columns : readNames(columns), data };
}
