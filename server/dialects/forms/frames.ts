import type { Table } from '../../model/rows.ts';
import type { Input } from '../../model/signature.ts';
import type { JsonObject } from './json.ts';
import { invalidBody, isObject } from './json.ts';
import { readRecords } from './records.ts';

// The forms of pandas' to_json beside "split" and "records".

/** Whether an object is orient="table": a schema with fields, and a list of records. */
export const isTableForm = ({ schema, data }: JsonObject): boolean =>
  isObject(schema) && Array.isArray(schema['fields']) && Array.isArray(data);

/** Reads orient="table". The index is a field of each record, and no column. @throws {Problem} invalid_body */
export function readTableForm({ schema, data }: JsonObject, inputs: readonly Input[]): Table {
  const { primaryKey } = schema as JsonObject;
  const index = new Set<unknown>(Array.isArray(primaryKey) ? primaryKey : []);
  for (const { name } of inputs) index.delete(name);
  const table = readRecords(data as readonly unknown[], inputs);
  return { ...table, columns: table.columns.filter((name) => !index.has(name)) };
}

/**
 * Refuses an object of objects: orient="columns", which is the default, or orient="index". Their row numbers are keys,
 * and a parser of JSON loses the order of keys that are numbers: the answers would belong to other rows.
 *
 * @throws {Problem} invalid_body
 */
export function refuseNested(body: JsonObject, inputs: readonly Input[]): void {
  const nested = Object.values(body);
  if (nested.length === 0 || !nested.every(isObject)) return;
  const orient = inputs.some(({ name }) => Object.hasOwn(body, name)) ? 'columns' : 'index';
  throw invalidBody(
    `The body has the form of pandas' to_json(orient="${orient}"), in which rows have no order: send orient="split" or orient="records".`,
  );
}
