import type { ColumnType } from '../models/signature.ts';

/** No two runs of digits or of white space can meet: on a long cell they would take quadratic time. */
const NUMBER = /^[ \t]*[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:e[+-]?\d+)?[ \t]*$/i;
const BLANK = /^[ \t]*$/;

/** As JSON, Python and R write them. */
const BOOLEANS = new Map([
  ['true', true],
  ['True', true],
  ['TRUE', true],
  ['false', false],
  ['False', false],
  ['FALSE', false],
]);

/**
 * A cell that arrived as text (CSV, a query), as the JSON value that it stands for in a column of this type. An empty
 * one is a missing value. What stands for nothing stays a text, which the encoder refuses by row and column.
 */
export function readTextCell(text: string, type: ColumnType): unknown {
  if (text === '') return null;
  if (type === 'string') return text;
  if (BLANK.test(text)) return null;
  if (type === 'boolean') return BOOLEANS.get(text.trim()) ?? text;
  return NUMBER.test(text) ? Number(text) : text;
}
