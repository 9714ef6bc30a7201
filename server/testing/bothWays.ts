import { isDeepStrictEqual } from 'node:util';
import { readMlflow } from '../dialects/mlflow.ts';
import { readNativeRows } from '../dialects/native.ts';
import { readV1 } from '../dialects/v1.ts';
import { toText } from '../http/body.ts';
import type { Model } from '../model/model.ts';
import type { BytesRead, Encoder, JsonForm, Table } from '../model/rows.ts';
import type { Signature } from '../model/signature.ts';

interface Read {
  readonly table: Table;
  readonly single: boolean;
}

function decode(body: Buffer, form: JsonForm, signature: Signature): Read {
  const text = toText(body);
  if (form === 'native') return readNativeRows(text, signature.inputs);
  const model = { signature } as Model;
  return { table: form === 'mlflow' ? readMlflow(text, model, 'json') : readV1(text, model), single: false };
}

function expectSame(what: string, one: unknown, other: unknown): void {
  if (!isDeepStrictEqual(one, other)) throw new Error(`from the bytes there is another ${what}`);
}

function expectSameTable(fast: Table, table: Table): void {
  const { byName = false } = table;
  expectSame('form', fast.byName, byName);
  expectSame('row', fast.rowAt?.(table.data.length - 1), table.data.at(-1));
  expectSame('table', fast.data, table.data);
  // The columns of records are those that occur, in any order.
  const sorted = ({ columns }: Table): readonly string[] => (byName ? columns.toSorted() : columns);
  expectSame('list of columns', sorted(fast), sorted(table));
}

/**
 * Reads a body from its bytes, and then the long way if it was taken: both must give the same.
 *
 * @returns what was read from the bytes
 * @throws {Error} where the two differ, and what the long way throws
 */
export function readBothWays(
  encoder: Encoder,
  signature: Signature,
  body: Buffer,
  form: JsonForm,
): BytesRead | undefined {
  const fast = encoder.readBytes?.(body, form);
  if (fast === undefined) return undefined;
  const { table, single } = decode(body, form, signature);
  const rows = encoder.encode(table.columns, table.data, {}, table);
  const { cells, ...notes } = fast.encoded;
  const { cells: expected, ...others } = rows;
  expectSame('matrix', cells, expected);
  expectSame('note', notes, others);
  expectSame('kind of answer', fast.single, single);
  expectSameTable(fast.table, table);
  return fast;
}
