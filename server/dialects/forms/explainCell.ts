import type { ExplainCell } from '../../model/rows.ts';
import type { ColumnType } from '../../model/signature.ts';

// What texts of a spreadsheet or of pandas say in a column of another type. A reason never repeats the text.

export type DecimalSign = '.' | ',';

const MISSING = /^\s*(?:#?n\/?a|<na>|-?nan|nat|null|none|nil|-|\?)\s*$/i;
const BOOLEAN_WORD = /^\s*(?:true|false|yes|no)\s*$/i;
const INFINITY = /^\s*[+-]?(?:inf|infinity|∞)\s*$/i;
const BIT = /^\s*[01](?:[.,]0*)?\s*$/;
const SIGNED = /^[\d.,+\-\s]*[%€$£¥][\d.,+\-\s]*$/;
const SEPARATED = /^\s*[+-]?\d{1,3}(?:[.,'’ \u00a0\u202f]\d{3})+(?:[.,]\d*)?\s*$/;
const COMMA = /^\s*[+-]?\d*,\d*(?:e[+-]?\d+)?\s*$/i;
const POINT = /^\s*[+-]?\d*\.\d*(?:e[+-]?\d+)?\s*$/i;

/** Longer texts are no number, and are not looked at. */
const MOST = 64;

const EXPECTED: Readonly<Record<ColumnType, string>> = {
  number: 'a number',
  integer: 'an integer',
  boolean: 'a boolean',
  string: 'a string',
};

function findInBoolean(text: string): string | undefined {
  if (BIT.test(text)) return '0 or 1: send true or false';
  return BOOLEAN_WORD.test(text) ? 'another word: send true or false' : undefined;
}

function findInNumber(text: string, decimal: DecimalSign | undefined): string | undefined {
  const orComma = decimal === undefined ? '' : ', or ask with ?decimal=,';
  if (BOOLEAN_WORD.test(text)) return 'a boolean: send 1 or 0';
  if (INFINITY.test(text)) return 'an infinity: send a finite number';
  if (SIGNED.test(text) && /\d/.test(text))
    return 'a sign beside the digits, such as % or €: send the number alone';
  if (decimal === ',' ? POINT.test(text) : COMMA.test(text)) {
    if (decimal === ',') return 'a decimal point: send a comma, or ask without ?decimal=,';
    return SEPARATED.test(text)
      ? `a comma: leave it out where it separates thousands; if it is decimal, send a point${orComma}`
      : `a decimal comma: send a point${orComma}`;
  }
  return SEPARATED.test(text) ? 'separators of thousands: leave them out' : undefined;
}

/**
 * Explains why a text is refused in a column of another type, and what to send.
 *
 * @param decimal the decimal sign that was asked for; undefined where it can't be chosen
 */
export const explainText =
  (decimal?: DecimalSign): ExplainCell =>
  (value, { type, nullable }, fault) => {
    if (typeof value !== 'string' || value.length > MOST || fault.reason !== 'type') return fault;
    const instead = nullable ? ': leave the cell empty' : ' (this column takes no missing value)';
    const found = MISSING.test(value)
      ? `a text for a missing value, such as NA${instead}`
      : type === 'boolean'
        ? findInBoolean(value)
        : findInNumber(value, decimal);
    return found === undefined
      ? fault
      : { reason: fault.reason, message: `expected ${EXPECTED[type]}, found ${found}` };
  };
