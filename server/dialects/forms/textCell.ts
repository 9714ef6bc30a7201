import type { ColumnType } from '../../model/signature.ts';

/** No two runs of digits or of white space can meet: on a long cell they would take quadratic time. */
const NUMBER = /^[ \t]*[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:e[+-]?\d+)?[ \t]*$/i;
const BLANK = /^[ \t]*$/;

const PARTS = /(\d*)\.?(\d*)(?:e([+-]?\d+))?[ \t]*$/i;
/** Stands for a fraction that a float64 can't tell from a whole number: refused as any other. */
const FRACTION = 0.5;

/** Whether a number's text has a fraction, however small: 25.000000000000000000001 is not 25. */
function hasFraction(text: string): boolean {
  const [, whole = '', fraction = '', exponent = '0'] = PARTS.exec(text) ?? [];
  const places = fraction.length - Number(exponent);
  if (places <= 0) return false;
  return /[1-9]/.test((whole + fraction).slice(-Math.min(places, whole.length + fraction.length)));
}

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
  if (!NUMBER.test(text)) return text;
  return type === 'integer' && /[.e]/i.test(text) && hasFraction(text) ? FRACTION : Number(text);
}
