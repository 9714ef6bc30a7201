import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import { createCsvReader } from '../../server/dialects/forms/csvReader.ts';
import { createUtf8Decoder } from '../../server/dialects/forms/utf8.ts';
import { readTextCell } from '../../server/dialects/forms/textCell.ts';
import { Problem } from '../../server/errors/problem.ts';
import type { Input, Signature } from '../../server/model/signature.ts';
import { Failure } from '../cli/faults.ts';

/** Rows of a file: columns by name, cells as JSON has them. */
export interface FileRows {
  readonly columns: readonly string[];
  readonly data: readonly (readonly unknown[])[];
}

/** Cells as the server reads them, so that a file means here what it means there. */
function fromCsv(text: string, inputs: readonly Input[]): FileRows {
  let header: readonly string[] | undefined;
  let kept: readonly { readonly input: Input; readonly at: number }[] = [];
  const data: unknown[][] = [];
  const reader = createCsvReader((cells, line) => {
    if (!header) {
      header = cells;
      kept = cells.flatMap((name, at) => {
        const input = inputs.find((one) => one.name === name);
        return input ? [{ input, at }] : [];
      });
      return;
    }
    if (cells.length !== header.length)
      throw new Failure(
        `row ${data.length} (line ${line}): expected ${header.length} cells, found ${cells.length}`,
      );
    data.push(kept.map(({ input, at }) => readTextCell(cells[at] as string, input.type)));
  });
  try {
    reader.write(text);
    reader.end();
  } catch (error) {
    const [fault] = error instanceof Problem ? (error.extensions.errors ?? []) : [];
    if (!fault) throw error;
    throw new Failure(`row ${fault.row} (line ${fault.line ?? '?'}): ${fault.message}`);
  }
  return { columns: kept.map(({ input }) => input.name), data };
}

function fromJsonLines(text: string, inputs: readonly Input[]): FileRows {
  const columns = inputs.map(({ name }) => name);
  const lines = text.split('\n').filter((line) => line.trim() !== '');
  const data = lines.map((line, row) => {
    let record: unknown;
    try {
      record = JSON.parse(line);
    } catch {
      throw new Failure(`row ${row}: not valid JSON`);
    }
    if (Array.isArray(record)) return record as unknown[];
    if (typeof record !== 'object' || record === null)
      throw new Failure(`row ${row}: neither an object nor a list`);
    return columns.map((name) => (record as Record<string, unknown>)[name]);
  });
  return { columns, data };
}

/** @throws {Failure} */
async function readText(file: string): Promise<string> {
  const refuse = ({ code }: NodeJS.ErrnoException): never => {
    throw new Failure(`${file} cannot be read (${code ?? 'unknown error'})`);
  };
  const bytes = await readFile(file).catch(refuse);
  const plain = file.endsWith('.gz') ? await promisify(gunzip)(bytes).catch(refuse) : bytes;
  try {
    return createUtf8Decoder()(plain);
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    throw new Failure(`${file} is not valid UTF-8`);
  }
}

/** The names of a file's columns; undefined where its rows are lists. @throws {Failure} */
export async function readColumns(file: string): Promise<readonly string[] | undefined> {
  const text = await readText(file);
  try {
    if (isJsonLines(file)) {
      const record: unknown = JSON.parse(text.split('\n', 1)[0] ?? '');
      return typeof record === 'object' && record !== null && !Array.isArray(record)
        ? Object.keys(record)
        : undefined;
    }
    let columns: readonly string[] | undefined;
    createCsvReader((cells) => (columns ??= cells)).write(text);
    return columns;
  } catch {
    // Reading the rows reports the fault with its place.
    return undefined;
  }
}

const isJsonLines = (file: string): boolean => /\.(?:jsonl|ndjson)(?:\.gz)?$/.test(file);

/**
 * Reads rows for a model: a CSV file with a header line, or JSON lines (`.jsonl`, `.ndjson`), each an object or the
 * cells in the order of the signature; `.gz` too. Columns that the signature doesn't have are left out.
 *
 * @throws {Failure} naming the row, counted from 0. Cells are left to the encoder: one of a wrong type stays a text
 */
export async function readRows(file: string, { inputs }: Pick<Signature, 'inputs'>): Promise<FileRows> {
  const text = await readText(file);
  const read = isJsonLines(file) ? fromJsonLines : fromCsv;
  const rows = read(text, inputs);
  if (rows.data.length === 0) throw new Failure(`${file} holds no rows`);
  return rows;
}
