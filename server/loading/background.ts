import type { Rows } from '../../worker/protocol.ts';
import { Problem } from '../errors/problem.ts';
import type { Encoder } from '../model/rows.ts';
import { ModelRefused } from '../model/refused.ts';

/** Each costs a run of the model for each coalition of columns. */
export const MAX_BACKGROUND_ROWS = 100;

/** The content of `background.json`: training rows with which explanations compare a row. */
export interface Background {
  readonly columns: readonly string[];
  readonly data: readonly (readonly unknown[])[];
}

/** @throws {ModelRefused} unless it holds rows that the model takes */
export function encodeBackground(id: string, json: unknown, encoder: Encoder): Rows {
  const { columns, data } = (json ?? {}) as Background;
  if (!Array.isArray(columns) || !Array.isArray(data) || !data.every((row) => Array.isArray(row)))
    throw new ModelRefused(id, 'background.json must hold the lists columns and data');
  if (data.length === 0 || data.length > MAX_BACKGROUND_ROWS)
    throw new ModelRefused(
      id,
      `background.json must hold 1 to ${MAX_BACKGROUND_ROWS} rows, it holds ${data.length}`,
    );
  try {
    const { rows, cells, texts } = encoder.encode(columns, data);
    return { rows, cells, texts };
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    const first = error.extensions.errors?.[0];
    const where = first ? ` (row ${first.row}, column ${first.column ?? '?'}: ${first.message})` : '';
    throw new ModelRefused(id, `background.json does not match the signature: ${error.message}${where}`);
  }
}
