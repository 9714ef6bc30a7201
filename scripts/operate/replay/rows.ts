import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { parse } from 'csv-parse/sync';
import { UsageError, reasonOf } from '../../cli/faults.ts';
import type { Form } from './options.ts';

export type Cell = string | number | boolean | null;

/** Rows as they are sent. */
export interface Rows {
  readonly columns: readonly string[];
  readonly data: readonly (readonly Cell[])[];
}

const MAX_ROWS = 100_000;
/** As JSON writes numbers, and with a plus: no 0x10, no Infinity. */
const NUMBER = /^\s*[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?\s*$/;
const BOOLEAN = /^\s*(true|false)\s*$/i;

const toBoolean = (text: string): boolean => text.trim().toLowerCase() === 'true';

/** How the cells of a column are read: as numbers or booleans only if all of them are. */
function reader(texts: readonly string[]): (text: string) => Cell {
  const filled = texts.filter((text) => text.trim() !== '');
  const read =
    filled.length === 0
      ? undefined
      : filled.every((text) => NUMBER.test(text))
        ? Number
        : filled.every((text) => BOOLEAN.test(text))
          ? toBoolean
          : undefined;
  return read ? (text) => (text.trim() === '' ? null : read(text)) : (text) => text;
}

function readCells(path: string): string[][] {
  try {
    const bytes = readFileSync(path);
    const text = (path.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString('utf8');
    return parse(text, { bom: true, skip_empty_lines: true, to: MAX_ROWS + 1 });
  } catch (error) {
    throw new UsageError(`${basename(path)} can't be read as CSV: ${reasonOf(error)}`);
  }
}

/**
 * Reads a CSV file with a header line.
 *
 * @param without columns to leave out
 * @param texts columns that are text whatever they look like
 * @throws {UsageError}
 */
export function readRows(path: string, without: readonly string[], texts: readonly string[]): Rows {
  const [header = [], ...lines] = readCells(path);
  if (lines.length === 0) throw new UsageError(`${basename(path)} has no rows below its header`);
  for (const name of [...without, ...texts]) {
    if (!header.includes(name)) throw new UsageError(`${basename(path)} has no column "${name}"`);
  }
  const kept = header
    .map((name, at) => ({ name, at }))
    .filter(({ name }) => !without.includes(name))
    .map(({ name, at }) => ({
      name,
      at,
      read: texts.includes(name) ? (text: string) => text : reader(lines.map((line) => line[at] ?? '')),
    }));
  return {
    columns: kept.map(({ name }) => name),
    data: lines.map((line) => kept.map(({ at, read }) => read(line[at] ?? ''))),
  };
}

/** The body of a request with one row. */
export function bodyOf(columns: readonly string[], row: readonly Cell[], form: Form): unknown {
  if (form === 'split') return { columns, data: [row] };
  const record = Object.fromEntries(columns.map((name, at) => [name, row[at]]));
  return form === 'record' ? record : [record];
}
