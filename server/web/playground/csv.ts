/** The rows of a CSV text (RFC 4180). */
export interface Csv {
  readonly header: readonly string[];
  readonly rows: readonly (readonly string[])[];
  /** The line of the text that each row begins on, counted from 1. */
  readonly lines: readonly number[];
  readonly delimiter: string;
}

/** Comma, and the delimiters of spreadsheets: in the clipboard and in some countries. */
const DELIMITERS = [',', '\t', ';'];

/** The delimiter that occurs most often in the first line. */
function delimiterOf(text: string): string {
  const [first = ''] = text.split(/\r\n?|\n/, 1);
  const occurrences = (delimiter: string): number => first.split(delimiter).length;
  return DELIMITERS.reduce((best, next) => (occurrences(next) > occurrences(best) ? next : best));
}

/**
 * Reads a CSV text with a header. Empty lines are skipped; a quoted cell may hold line breaks. Text after a closing quote
 * is kept.
 */
export function parseCsv(input: string): Csv {
  const text = input.startsWith('\uFEFF') ? input.slice(1) : input;
  const delimiter = delimiterOf(text);
  const rows: string[][] = [];
  const lines: number[] = [];
  let row: string[] = [];
  let cell = '';
  let quoted = false;
  /** Whether the row has any cell, even an empty quoted one. */
  let begun = false;
  let line = 1;
  let firstLine = 1;

  const endRow = (): void => {
    if (begun) {
      rows.push([...row, cell]);
      lines.push(firstLine);
    }
    row = [];
    cell = '';
    begun = false;
    firstLine = line + 1;
  };
  // By code unit: a delimiter, a quote or a line break is always one.
  for (let at = 0; at < text.length; at++) {
    const character = text.charAt(at);
    if (!quoted && (character === '\n' || character === '\r')) {
      if (character === '\r' && text.charAt(at + 1) === '\n') at++;
      endRow();
      line++;
      continue;
    }
    begun = true;
    if (quoted) {
      if (character !== '"') cell += character;
      else if (text.charAt(at + 1) === '"') cell += text.charAt(at++);
      else quoted = false;
      if (character === '\n') line++;
    } else if (character === '"' && cell === '') quoted = true;
    else if (character === delimiter) {
      row.push(cell);
      cell = '';
    } else cell += character;
  }
  endRow();
  return { header: rows[0] ?? [], rows: rows.slice(1), lines: lines.slice(1), delimiter };
}

const quote = (cell: string, delimiter: string): string =>
  cell.includes(delimiter) || /["\r\n]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell;

/** Writes one line. */
export const writeLine = (cells: readonly string[], delimiter: string): string =>
  `${cells.map((cell) => quote(cell, delimiter)).join(delimiter)}\n`;
