import { Problem } from '../../errors/problem.ts';
import type { ColumnType, Input } from '../../model/signature.ts';
import { createCsvReader } from './csvReader.ts';
import type { Table } from '../../model/rows.ts';
import { readTextCell } from './textCell.ts';

/** Collects the rows of a CSV. Its columns are named by the first line or, without a header, by the signature. */
export interface CsvTable {
  /** Takes the next piece of text. @throws {Problem} invalid_csv, or invalid_columns when there is no header */
  write(text: string): void;
  /** @throws {Problem} as `write` */
  end(): void;
  /** Returns the rows since the last call; undefined before the columns are known. */
  take(): Table | undefined;
}

/** Such a file is one line here, and the error would show its cells as names. @throws {Problem} invalid_csv */
function requireLineEnds(names: readonly string[]): void {
  if (!names.some((name) => name.includes('\r'))) return;
  throw new Problem('invalid_csv', {
    detail: 'A line ends with a carriage return alone. End lines with LF or CR LF.',
  });
}

/** The advice on a missing header at routes that take files without one. */
const ADD_HEADER = 'Add it, or ask with ?header=false.';

/** @throws {Problem} invalid_columns, without the names, which may be cells of a row */
function requireHeader(names: readonly string[], inputs: readonly Input[], advice: string): void {
  if (names.some((name) => inputs.some((input) => input.name === name))) return;
  throw new Problem('invalid_columns', {
    refusals: inputs.map(({ name }) => ({ reason: 'missing_column', column: name, count: 1 })),
    detail: `The first line has none of the signature's columns: the header line seems to be missing. ${advice}`,
  });
}

/** @param advice the end of the error for a header that seems to be missing */
export function createCsvTable(inputs: readonly Input[], header: boolean, advice = ADD_HEADER): CsvTable {
  const typeOf = new Map(inputs.map(({ name, type }) => [name, type]));
  let columns: readonly string[] | undefined;
  let types: (ColumnType | undefined)[] = [];
  let data: unknown[][] = [];
  /** Rows without cells, by width. Dropped at each `take`, or a long file of many widths would fill the memory. */
  let emptyRows: unknown[][] = [];
  let lines: number[] = [];
  let before = 0;

  const setColumns = (names: readonly string[]): void => {
    columns = names;
    types = names.map((name) => typeOf.get(name));
  };
  if (!header) setColumns(inputs.map(({ name }) => name));
  const reader = createCsvReader((cells, line) => {
    if (columns === undefined) {
      requireLineEnds(cells);
      requireHeader(cells, inputs, advice);
      setColumns(cells);
      return;
    }
    // A cell of an unknown column stays text. The encoder refuses a row of another width, for which it counts the cells
    // only: so rows of one width share a list.
    data.push(
      cells.length === types.length
        ? cells.map((cell, at) => readTextCell(cell, types[at] ?? 'string'))
        : (emptyRows[cells.length] ??= new Array<undefined>(cells.length)),
    );
    lines.push(line);
  }, header);

  return {
    write: reader.write,
    end: () => {
      reader.end();
      if (columns === undefined)
        throw new Problem('invalid_csv', { detail: 'The CSV has no line, not even a header.' });
    },
    take: () => {
      if (columns === undefined) return undefined;
      const table: Table = { columns, data, lines, ...(before > 0 && { before }) };
      before += data.length;
      data = [];
      emptyRows = [];
      lines = [];
      return table;
    },
  };
}

/** Reads a whole CSV. @throws {Problem} as CsvTable */
export function readCsv(text: string, inputs: readonly Input[], header = true, advice?: string): Table {
  const table = createCsvTable(inputs, header, advice);
  table.write(text);
  table.end();
  return table.take() as Table;
}
