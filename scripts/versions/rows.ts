import { readFile } from 'node:fs/promises';
import { parse } from 'csv-parse/sync';
import type { Input, Signature } from '../../server/models/signature.ts';
import { Failure } from './failure.ts';

/** Rows of a file: columns by name, cells as JSON has them. */
export interface FileRows {
  readonly columns: readonly string[];
  readonly data: readonly (readonly unknown[])[];
}

type Read = (text: string, input: Pick<Input, 'name' | 'type'>, row: number) => unknown;

/** A cell of a CSV file, by the type of its column: spaces around a number are ignored, an empty cell is missing. */
const readCell: Read = (text, { name, type }, row) => {
  if (type === 'string') return text;
  const trimmed = text.trim();
  if (trimmed === '') return null;
  if (type === 'boolean' && /^(?:true|false)$/i.test(trimmed)) return trimmed.toLowerCase() === 'true';
  const value = Number(trimmed);
  if (type === 'boolean' || Number.isNaN(value))
    throw new Failure(`row ${row}, column ${name}: not a ${type}`);
  return value;
};

function fromCsv(text: string, signature: Pick<Signature, 'inputs'>): FileRows {
  const [header = [], ...lines] = parse(text, { bom: true });
  const inputs = header.map((name) => signature.inputs.find((input) => input.name === name));
  const kept = inputs.flatMap((input, at) => (input ? [{ input, at }] : []));
  return {
    columns: kept.map(({ input }) => input.name),
    data: lines.map((line, row) => kept.map(({ input, at }) => readCell(line[at] ?? '', input, row))),
  };
}

function fromJsonLines(text: string, { inputs }: Pick<Signature, 'inputs'>): FileRows {
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

/**
 * Reads rows for a model: a CSV file with a header line, or JSON lines (`.jsonl`, `.ndjson`), each an object or the
 * cells in the order of the signature. Columns that the signature doesn't have are left out.
 *
 * @throws {Failure}
 */
export async function readRows(file: string, signature: Pick<Signature, 'inputs'>): Promise<FileRows> {
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    throw new Failure(`${file} cannot be read (${error.code ?? 'unknown error'})`);
  });
  const rows = /\.(?:jsonl|ndjson)$/.test(file) ? fromJsonLines(text, signature) : fromCsv(text, signature);
  if (rows.data.length === 0) throw new Failure(`${file} holds no rows`);
  return rows;
}
