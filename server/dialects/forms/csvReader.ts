import type { CellError } from '../../errors/problem.ts';
import { Problem } from '../../errors/problem.ts';
import type { Delimiter } from './delimiter.ts';
import { adviseDelimiter, isDelimiter } from './delimiter.ts';

/** The first line of a spreadsheet that names its delimiter. */
const SEPARATOR_LINE = /^"?sep=([^"\r\n])"?\r?\n?$/i;

/** In UTF-16 units. Without a limit an unclosed quote would take in the whole file. */
export const MAX_RECORD = 1024 * 1024;

const QUOTE = 0x22;
const NEWLINE = 0x0a;
const RETURN = 0x0d;

/** Receives one record: its cells, its first line (from 1), and its text with the line end. */
export type TakeRecord = (cells: string[], line: number, text: string) => void;

export interface CsvReaderOptions {
  /** Whether the first record has names: rows are counted from the next one. */
  readonly header?: boolean;
  readonly delimiter?: Delimiter;
  /**
   * Receives a first line `sep=;`, by which a spreadsheet names its delimiter, with its text; without this it is a record.
   * The text is followed by the line end.
   */
  readonly takeSeparator?: (separator: string, text: string) => void;
}

/** Reads CSV piece by piece. */
export interface CsvReader {
  /** @throws {Problem} invalid_csv with the line */
  write(text: string): void;
  /** Reads the last record, which may have no line end. */
  end(): void;
  /** The number of the next line; undefined within a record. */
  readonly nextLine: number | undefined;
  /** Counts what was read otherwise, between two records. */
  skip(records: number, lines: number): void;
}

interface Quoted {
  readonly cells: string[];
  /** The position of the next record. */
  readonly next: number;
  /** Line ends within and after it. */
  readonly lines: number;
}

/**
 * A reader of RFC 4180: one delimiter, CRLF or LF, quotes around whole cells only. Cells are not trimmed; empty lines are skipped.
 * A test holds it to csv-parse, which would block the event loop eight times as long and more: docs/internals/performance.md.
 */
export function createCsvReader(
  take: TakeRecord,
  { header = true, delimiter = ',', takeSeparator }: CsvReaderOptions = {},
): CsvReader {
  const delimiterCode = delimiter.charCodeAt(0);
  let rest = '';
  let line = 1;
  let records = 0;

  const fail = (message: string, at = line): never => {
    const error: CellError = { row: Math.max(0, records - (header ? 1 : 0)), line: at, message };
    throw new Problem('invalid_csv', { errors: [error], errorsTotal: 1 });
  };

  const failAtQuote = (before = '', at: number): never =>
    fail(
      isDelimiter(before)
        ? `a quoted cell seems to be preceded by a delimiter: ${adviseDelimiter(before, delimiter)}`
        : 'a quote stands within a cell that does not begin with one',
      at,
    );
  const failBehindQuote = (next = '', at: number): never =>
    fail(
      isDelimiter(next)
        ? `a quoted cell is followed by another delimiter: ${adviseDelimiter(next, delimiter)}`
        : 'a quoted cell goes on behind its closing quote',
      at,
    );

  /** A record with a quote in it; undefined if the text ends before it does. */
  const readQuoted = (text: string, from: number, last: boolean): Quoted | undefined => {
    const cells: string[] = [];
    let lines = 0;
    for (let at = from; ;) {
      let cell = '';
      if (text.charCodeAt(at) === QUOTE) {
        for (let begin = at + 1; ; begin = at + 1) {
          at = text.indexOf('"', begin);
          if (at === -1) return last ? fail('a quote is opened, but never closed') : undefined;
          const part = text.slice(begin, at);
          for (let end = part.indexOf('\n'); end !== -1; end = part.indexOf('\n', end + 1)) lines++;
          cell += part;
          if (text.charCodeAt(at + 1) !== QUOTE) break;
          cell += '"';
          at++;
        }
        at++;
      } else {
        const begin = at;
        for (; at < text.length; at++) {
          const code = text.charCodeAt(at);
          if (code === delimiterCode || code === NEWLINE) break;
          if (code === QUOTE) failAtQuote(text[at - 1], line + lines);
        }
        cell = text.slice(begin, at);
        if (text.charCodeAt(at) !== delimiterCode && cell.endsWith('\r')) cell = cell.slice(0, -1);
      }
      cells.push(cell);
      if (at === text.length && !last) return undefined;
      if (
        text.charCodeAt(at) === RETURN &&
        (at + 1 < text.length ? text.charCodeAt(at + 1) === NEWLINE : last)
      )
        at++;
      if (at >= text.length) return { cells, next: at, lines: lines + 1 };
      const code = text.charCodeAt(at++);
      if (code === NEWLINE) return { cells, next: at, lines: lines + 1 };
      if (code === RETURN && at === text.length) return undefined;
      if (code !== delimiterCode) failBehindQuote(text[at - 1], line + lines);
    }
  };

  const give = (cells: string[], text: string): void => {
    if (records === 0 && line === 1 && takeSeparator) {
      const [, separator] = SEPARATOR_LINE.exec(text) ?? [];
      if (separator !== undefined) {
        takeSeparator(separator, text);
        return;
      }
    }
    records++;
    take(cells, line, text);
  };

  const read = (text: string, last: boolean): void => {
    let from = 0;
    while (from < text.length) {
      const newline = text.indexOf('\n', from);
      if (newline === -1 && !last) break;
      const end = newline === -1 ? text.length : newline;
      const plain = text.slice(from, text.charCodeAt(end - 1) === RETURN && end > from ? end - 1 : end);
      let next = newline === -1 ? end : end + 1;
      let lines = 1;
      if (plain.includes('"')) {
        const quoted = readQuoted(text, from, last);
        if (!quoted) break;
        ({ next, lines } = quoted);
        give(quoted.cells, text.slice(from, next));
      } else if (plain !== '') {
        give(plain.split(delimiter), text.slice(from, next));
      }
      from = next;
      line += lines;
    }
    rest = text.slice(from);
    if (rest.length > MAX_RECORD) fail('a record of more than 1 MiB: perhaps a quote is never closed');
  };

  return {
    write: (text) => read(rest === '' ? text : rest + text, false),
    end: () => read(rest, true),
    get nextLine() {
      return rest === '' ? line : undefined;
    },
    skip: (more, lines) => {
      records += more;
      line += lines;
    },
  };
}
