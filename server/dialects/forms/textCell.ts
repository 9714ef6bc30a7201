import type { ColumnType } from '../../model/signature.ts';

/** No two quantifiers of digits or of white space are adjacent: on a long cell the match would take quadratic time. */
const NUMBER = /^[ \t]*[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:e[+-]?\d+)?[ \t]*$/i;
const BLANK = /^[ \t]*$/;

const PARTS = /(\d*)\.?(\d*)(?:e([+-]?\d+))?[ \t]*$/i;
/** Replaces a fraction that a float64 would lose, so that the encoder refuses it as any other fraction. */
const FRACTION = 0.5;

/** Whether a number's text has a fraction, however small: 25.000000000000000000001 is not 25. */
function hasFraction(text: string): boolean {
  const [, whole = '', fraction = '', exponent = '0'] = PARTS.exec(text) ?? [];
  const places = fraction.length - Number(exponent);
  if (places <= 0) return false;
  return /[1-9]/.test((whole + fraction).slice(-Math.min(places, whole.length + fraction.length)));
}

/** The booleans of JSON, Python and R. */
const BOOLEANS = new Map([
  ['true', true],
  ['True', true],
  ['TRUE', true],
  ['false', false],
  ['False', false],
  ['FALSE', false],
]);

/**
 * Converts a cell of a CSV or a query to the JSON value that its text means in a column of this type; empty is missing.
 * A text that means none stays as it is, and the encoder refuses it by row and column.
 */
export function readTextCell(text: string, type: ColumnType): unknown {
  if (text === '') return null;
  if (type === 'string') return text;
  if (BLANK.test(text)) return null;
  if (type === 'boolean') return BOOLEANS.get(text.trim()) ?? text;
  if (!NUMBER.test(text)) return text;
  return type === 'integer' && /[.e]/i.test(text) && hasFraction(text) ? FRACTION : Number(text);
}

/** As `readTextCell`, for numbers with a decimal comma. A point is then no part of a number. */
export function readCommaCell(text: string, type: ColumnType): unknown {
  if (type === 'string' || type === 'boolean') return readTextCell(text, type);
  if (text.includes('.')) return text;
  const value = readTextCell(text.replace(',', '.'), type);
  return typeof value === 'string' ? text : value;
}
