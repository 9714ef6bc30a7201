import { isNumbered, looseName } from '../../encoding/nearNames.ts';
import { Problem } from '../../errors/problem.ts';
import type { Reason } from '../../errors/refusals.ts';
import type { ColumnType, Input } from '../../model/signature.ts';
import { capital } from '../errorSentence.ts';
import type { Delimiter } from './delimiter.ts';
import { DELIMITERS, adviseDelimiter, isDelimiter } from './delimiter.ts';
import { refuseUtf16 } from './utf8.ts';

// What the first lines of a CSV say of it. No error repeats them, since they may be cells of a row.

/** The advice on a missing header at routes that take files without one. */
const ADD_HEADER = 'add it, or ask with ?header=false';

function invalidColumns(inputs: readonly Input[], reason: Reason, detail: string): Problem {
  const columns = reason === 'missing_column' ? inputs.map(({ name }) => name) : [''];
  return new Problem('invalid_columns', {
    refusals: columns.map((column) => ({ reason, column, count: 1 })),
    detail,
  });
}

/** Such a file is one line here, and the error would show its cells as names. @throws {Problem} invalid_csv */
function requireLineEnds(cells: readonly string[]): void {
  if (!cells.some((name) => name.includes('\r'))) return;
  throw new Problem('invalid_csv', {
    detail: 'A line ends with a carriage return alone: end lines with LF or CR LF.',
  });
}

/** The delimiter by which a line would be what was expected. */
const findDelimiter = (
  cells: readonly string[],
  asked: Delimiter,
  fits: (cells: readonly string[]) => boolean,
): Delimiter | undefined =>
  DELIMITERS.find((other) => other !== asked && fits(cells.join(asked).split(other)));

/**
 * @param advice on a header that seems to be missing
 * @throws {Problem} invalid_csv, invalid_encoding or invalid_columns unless the first record has a name of the signature
 */
export function requireHeader(
  cells: readonly string[],
  inputs: readonly Input[],
  delimiter: Delimiter,
  advice = ADD_HEADER,
): void {
  requireLineEnds(cells);
  if (cells.some((name) => inputs.some((input) => input.name === name))) return;
  refuseUtf16(cells.join(delimiter));
  const loose = new Set(inputs.map(({ name }) => looseName(name)));
  const hasName = (names: readonly string[]): boolean => names.some((name) => loose.has(looseName(name)));
  // The encoder refuses them with what differs.
  if (hasName(cells)) return;
  const seen = findDelimiter(cells, delimiter, hasName);
  throw invalidColumns(
    inputs,
    'missing_column',
    seen === undefined
      ? `The first line has none of the signature's columns: the header line seems to be missing; ${advice}.`
      : `${capital(adviseDelimiter(seen, delimiter))}.`,
  );
}

/** The type of value that a cell of a column has once its text is read. */
const TYPES = { integer: 'number', number: 'number', boolean: 'boolean', string: 'string' } as const;

/**
 * Whether a first line is a row rather than a header: none of its cells resembles a name of the signature, and each fits
 * its column. Any text fits a column of text: without a number or boolean, all cells of columns with known categories must
 * hold one of them, and there must be one.
 */
export function isRow(
  cells: readonly string[],
  inputs: readonly Input[],
  read: (cell: string, type: ColumnType) => unknown,
): boolean {
  if (cells.length !== inputs.length) return false;
  // The header of a frame without names.
  if (cells.length > 1 && isNumbered(cells)) return false;
  const loose = new Set(inputs.map(({ name }) => looseName(name)));
  if (cells.some((cell) => loose.has(looseName(cell)))) return false;
  const values = inputs.map(({ type }, at) => read(cells[at] as string, type));
  const fits = inputs.every(({ type, nullable }, at) =>
    values[at] === null ? nullable : typeof values[at] === TYPES[type],
  );
  if (!fits || values.some((value) => typeof value === 'number' || typeof value === 'boolean')) return fits;
  const known = inputs.flatMap(({ categories }, at) =>
    categories === undefined || values[at] === null ? [] : [categories.includes(values[at] as string)],
  );
  return known.length > 0 && !known.includes(false);
}

/** @throws {Problem} as `requireHeader`, if the first row is none because of the form of the whole file */
export function requireBareRow(
  cells: readonly string[],
  inputs: readonly Input[],
  delimiter: Delimiter,
): void {
  refuseUtf16(cells.join(delimiter));
  const width = inputs.length;
  if (cells.length === width) return;
  requireLineEnds(cells);
  const seen = width > 1 ? findDelimiter(cells, delimiter, ({ length }) => length === width) : undefined;
  if (seen !== undefined)
    throw invalidColumns(inputs, 'missing_column', `${capital(adviseDelimiter(seen, delimiter))}.`);
  if (cells.length === width + 1 && cells[0] === '0')
    throw invalidColumns(
      inputs,
      'unknown_column',
      "The first column seems to be pandas' index: leave it out, by index=False.",
    );
}

/** @throws {Problem} invalid_columns */
export function refuseIndex(inputs: readonly Input[], line: number): never {
  throw invalidColumns(
    inputs,
    'unknown_column',
    `The first column has no name, and is not pandas' index, since line ${line} breaks its order 0, 1, 2, …: name it or leave it out (index=False), or ask with ?extra=ignore.`,
  );
}

/** @throws {Problem} invalid_csv unless the line `sep=;` names the delimiter that was asked for */
export function requireSeparator(separator: string, delimiter: Delimiter): void {
  if (separator === delimiter) return;
  throw new Problem('invalid_csv', {
    detail: isDelimiter(separator)
      ? `The first line names the delimiter (sep=): ${adviseDelimiter(separator, delimiter)}.`
      : 'The first line names a delimiter (sep=) that this server does not read: send commas.',
  });
}
