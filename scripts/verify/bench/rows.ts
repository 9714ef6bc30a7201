import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { Failure } from '../../cli/faults.ts';

/** The model that is measured, in the product's repository. */
export const MODEL = 'adult';
export const VERSION = '1';

/** Rows that all bodies of one size hold together, with at most MAX_BODIES bodies. */
const VARIETY_ROWS = 4096;
const MAX_BODIES = 256;

/** A table as the server takes it: column names and rows. */
export interface Table {
  readonly columns: readonly string[];
  readonly data: readonly (readonly (string | number)[])[];
}

/** Reads lines of UCI's file: cells keep the space after each comma; the last one, the label, is dropped. */
export function parseRows(text: string, numeric: readonly boolean[]): (string | number)[][] {
  return text
    .split('\n')
    .map((line) => line.split(','))
    .filter((cells) => cells.length === numeric.length + 1)
    .map((cells) => numeric.map((number, k) => (number ? Number(cells[k]) : (cells[k] as string))));
}

/**
 * Reads the model's test split.
 *
 * @throws {Failure} when a file of the model is missing
 */
export async function readTestRows(home: string): Promise<Table> {
  const folder = join(home, 'models', MODEL);
  const [signature, packed] = await Promise.all(
    [join(folder, VERSION, 'model.json'), join(folder, 'data', 'adult.test.gz')].map((path) =>
      readFile(path).catch(() => {
        throw new Failure(`${path} is missing; run: git checkout -- models`);
      }),
    ),
  );
  const { inputs } = JSON.parse(String(signature)) as { inputs: { name: string; type: string }[] };
  const numeric = inputs.map(({ type }) => type !== 'string');
  return {
    columns: inputs.map(({ name }) => name),
    data: parseRows(gunzipSync(packed as Buffer).toString(), numeric),
  };
}

/**
 * Tables of this many rows each. Small tables are many different ones: the same few rows would visit the same nodes of
 * the forest, which would stay in the CPU's cache.
 */
export function tablesOf({ columns, data }: Table, rows: number): Table[] {
  const count = Math.max(1, Math.min(MAX_BODIES, Math.floor(VARIETY_ROWS / rows)));
  return Array.from({ length: count }, (_, table) => ({
    columns,
    data: Array.from({ length: rows }, (_, row) => data[(table * rows + row) % data.length] ?? []),
  }));
}
