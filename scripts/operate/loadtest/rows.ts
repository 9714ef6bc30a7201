import { readFileSync, readdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { parse } from 'csv-parse/sync';
import { PREFERENCES_FILE, parsePreferences } from '../../../server/repository/preferences.ts';
import { fromHome } from '../../../server/platform/install.ts';
import { UsageError, reasonOf } from '../../cli/faults.ts';
import type { Settings } from './settings.ts';

export type Cell = string | number | boolean | null;
export type Label = string | number | boolean;

/** What is sent: rows, with the labels that are expected for them when answers are to be compared. */
export interface Rows {
  /** Where they came from, for the report. */
  readonly name: string;
  readonly columns: readonly string[];
  readonly data: readonly (readonly Cell[])[];
  readonly expected: readonly Label[] | undefined;
}

interface Signature {
  readonly inputs: readonly { readonly name: string; readonly type: string }[];
}

/** Rows of a larger file that are used: they are kept in memory as ready requests. */
const MAX_ROWS = 100_000;
const ADULT_ROWS = 'models/adult/data/adult.test.gz';
const ADULT_LABELS = 'models/adult/data/predictions-1.csv.gz';

/** @throws {UsageError} when there is no such file, or it isn't what its name says */
function readText(path: string): string {
  try {
    const bytes = readFileSync(path);
    return (path.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString('utf8');
  } catch (error) {
    throw new UsageError(`cannot read ${path}: ${reasonOf(error)}`);
  }
}

/** Spaces are kept: the Adult categories begin with one. */
function readCsv(path: string, options: { fromLine?: number } = {}): string[][] {
  const text = readText(path);
  try {
    return parse(text, {
      bom: true,
      skip_empty_lines: true,
      from_line: options.fromLine ?? 1,
      to: MAX_ROWS + 1,
    });
  } catch (error) {
    throw new UsageError(`${path} is not CSV: ${reasonOf(error)}`);
  }
}

function readJson<T>(path: string): T {
  const text = readText(path);
  try {
    return JSON.parse(text) as T;
  } catch (error) {
    throw new UsageError(`${path} is not JSON: ${reasonOf(error)}`);
  }
}

/** The version that the repository itself pins; the server's settings may say otherwise. */
function pinned(model: string): number | undefined {
  try {
    const pin = parsePreferences(readFileSync(fromHome(join('models', PREFERENCES_FILE)), 'utf8')).versions?.[
      model
    ];
    return pin === 'latest' ? undefined : pin;
  } catch {
    return undefined;
  }
}

/** The folder of the version of a model that is served unless settings say otherwise: the pinned or the highest one. */
function versionFolder(model: string): string {
  const folder = fromHome(join('models', model));
  let names: string[];
  try {
    names = readdirSync(folder);
  } catch {
    throw new UsageError(`there is no folder models/${model}`);
  }
  const versions = names.filter((name) => /^[1-9]\d*$/.test(name)).map(Number);
  if (versions.length === 0) throw new UsageError(`models/${model} has no version`);
  return join(folder, String(pinned(model) ?? Math.max(...versions)));
}

/** The types of a model's columns; none when it has no signature, and columns are then judged by their cells. */
function readTypes(model: string): ReadonlyMap<string, string> {
  try {
    const { inputs } = readJson<Signature>(join(versionFolder(model), 'model.json'));
    return new Map(inputs.map(({ name, type }) => [name, type]));
  } catch {
    return new Map();
  }
}

const isNumber = (text: string): boolean => text.trim() !== '' && Number.isFinite(Number(text));

/** Makes cells of texts: as the signature says, else numbers where a whole column has only such. */
export function typeCells(
  columns: readonly string[],
  texts: readonly (readonly string[])[],
  types: ReadonlyMap<string, string>,
): Cell[][] {
  const kinds = columns.map((name, column) => {
    const known = types.get(name);
    if (known !== undefined) return known;
    const filled = texts.map((row) => row[column] ?? '').filter((text) => text !== '');
    return filled.length > 0 && filled.every(isNumber) ? 'number' : 'string';
  });
  return texts.map((row) =>
    row.map((text, column): Cell => {
      const kind = kinds[column];
      if (kind === 'string') return text;
      if (text === '') return null;
      if (kind === 'boolean')
        return /^(true|1)$/i.test(text) ? true : /^(false|0)$/i.test(text) ? false : text;
      return isNumber(text) ? Number(text) : text;
    }),
  );
}

function readFileRows(path: string, model: string): Omit<Rows, 'expected'> {
  const [columns, ...texts] = readCsv(path);
  if (columns === undefined || texts.length === 0)
    throw new UsageError(`${path} has no rows below its header`);
  return { name: basename(path), columns, data: typeCells(columns, texts, readTypes(model)) };
}

/** The official test split has no header, a first line that is no row, and the true label as its last column. */
function readAdultRows(): Omit<Rows, 'expected'> {
  const types = readTypes('adult');
  const columns = [...types.keys()];
  const texts = readCsv(fromHome(ADULT_ROWS), { fromLine: 2 }).map((row) => row.slice(0, columns.length));
  return { name: basename(ADULT_ROWS), columns, data: typeCells(columns, texts, types) };
}

interface Golden {
  readonly columns: readonly string[];
  readonly data: readonly (readonly Cell[])[];
  readonly predictions: readonly Label[];
}

function readLabels(path: string): string[] {
  const [header, ...rows] = readCsv(path);
  const column = header?.length === 1 ? 0 : (header?.indexOf('label') ?? -1);
  if (column === -1) throw new UsageError(`${path} has no column "label"`);
  return rows.map((row) => row[column] ?? '');
}

/**
 * Reads what is to be sent, and the labels to hold the answers against.
 *
 * @throws {UsageError} when a file is missing or doesn't fit
 */
export function readRows({ source, model, expect }: Pick<Settings, 'source' | 'model' | 'expect'>): Rows {
  if (source.kind === 'golden') {
    const { columns, data, predictions } = readJson<Golden>(join(versionFolder(model), 'golden.json'));
    const name = `golden rows of ${model}`;
    if (expect?.kind !== 'file') return { name, columns, data, expected: expect && predictions };
    return { name, columns, data, expected: labelsFor(data.length, expect.path) };
  }
  const rows = source.kind === 'file' ? readFileRows(source.path, model) : readAdultRows();
  if (expect === undefined) return { ...rows, expected: undefined };
  const labels = expect.kind === 'file' ? expect.path : fromHome(ADULT_LABELS);
  return { ...rows, expected: labelsFor(rows.data.length, labels) };
}

function labelsFor(rows: number, path: string): string[] {
  const labels = readLabels(path);
  if (labels.length === rows) return labels;
  throw new UsageError(`${basename(path)} has ${labels.length} labels for ${rows} rows`);
}
