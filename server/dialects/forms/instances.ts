import type { Input } from '../../model/signature.ts';
import type { Table } from '../../model/rows.ts';
import { invalidForm, isObject } from './json.ts';
import { readRecords } from './records.ts';

/**
 * Reads `instances`: objects by column name, or lists in the order of the signature; for a model of one column also
 * bare cells. The first one that was read decides; the encoder refuses those of another form.
 *
 * @throws {Problem} invalid_body
 */
export function readInstances(instances: unknown, inputs: readonly Input[]): Table {
  if (!Array.isArray(instances))
    throw invalidForm('"instances"', instances, '"instances" must be a list of rows.');
  const rows = instances as readonly unknown[];
  const first = rows.find((row) => typeof row !== 'function');
  if (isObject(first)) return readRecords(rows, inputs);
  const columns = inputs.map(({ name }) => name);
  const bare = inputs.length === 1 && first !== undefined && !Array.isArray(first);
  return { columns, data: bare ? rows.map((row) => (typeof row === 'function' ? row : [row])) : rows };
}
