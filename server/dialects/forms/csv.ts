import { Problem } from '../../errors/problem.ts';
import type { LinesForm, Table, Warning } from '../../model/rows.ts';
import type { ColumnType, Input } from '../../model/signature.ts';
import { isRow, refuseIndex, requireBareRow, requireHeader, requireSeparator } from './csvHeader.ts';
import type { CsvReader, TakeRecord } from './csvReader.ts';
import { createCsvReader } from './csvReader.ts';
import type { Delimiter } from './delimiter.ts';
import type { DecimalSign } from './explainCell.ts';
import { explainText } from './explainCell.ts';
import { readCommaCell, readTextCell } from './textCell.ts';

/** How a CSV is written. Without a member it is as RFC 4180 has it, with a header. */
export interface CsvForm {
  /** `found`: the first line is a header unless none of its cells is a name, and each fits its column. */
  readonly header?: boolean | 'found';
  readonly delimiter?: Delimiter;
  readonly decimal?: DecimalSign;
  /** Whether columns that the signature doesn't have are skipped anyway, an index too. */
  readonly ignoreExtra?: boolean;
  /** The end of the error for a header that seems to be missing. */
  readonly advice?: string;
}

/** Collects the rows of a CSV. Its columns are named by the first line or, without a header, by the signature. */
export interface CsvTable {
  /** Takes the next piece of text. @throws {Problem} invalid_csv, invalid_encoding, or invalid_columns for another header */
  write(text: string): void;
  /** @throws {Problem} as `write` */
  end(): void;
  /** Returns the rows since the last call; undefined before the columns are known. */
  take(): Table | undefined;
  /** Where the next record is; undefined before the first and within one. */
  position(): CsvPosition | undefined;
  /** Counts rows that were read from their bytes, between two records, when all others are taken. */
  skip(rows: number, lines: number): void;
  /** The row of a record's text. */
  readRow(text: string): unknown[];
}

/** Between two records of a CSV. */
export interface CsvPosition {
  /** Numbers of the next row and line. */
  readonly row: number;
  readonly line: number;
  readonly form: LinesForm;
}

/** Only made once: a table of many pieces has one, and so have all requests. */
export const EXPLAIN = { '.': explainText('.'), ',': explainText(',') };

const INDEX_SKIPPED: Warning = {
  row: 0,
  column: '',
  code: 'index_column',
  message: "the first column has no name and holds 0, 1, 2, …: skipped as pandas' index",
};

/**
 * A reader of a CSV in this form. A line `sep=;` is taken apart unless it can be a row: a bare text.
 *
 * @param takeSeparator receives the text of such a line
 */
export function createFormReader(
  inputs: readonly Input[],
  { header = true, delimiter = ',' }: CsvForm,
  take: TakeRecord,
  takeSeparator?: (text: string) => void,
): CsvReader {
  const mayBeRow = header === false && inputs.length === 1;
  return createCsvReader(take, {
    header: header !== false,
    delimiter,
    ...(!mayBeRow && {
      takeSeparator: (separator, text) => {
        requireSeparator(separator, delimiter);
        takeSeparator?.(text);
      },
    }),
  });
}

export function createCsvTable(inputs: readonly Input[], form: CsvForm = {}): CsvTable {
  const { header = true, delimiter = ',', decimal = '.', ignoreExtra = false, advice } = form;
  const readCell = decimal === ',' ? readCommaCell : readTextCell;
  const typeOf = new Map(inputs.map(({ name, type }) => [name, type]));
  let columns: readonly string[] | undefined;
  let types: (ColumnType | undefined)[] = [];
  let data: unknown[][] = [];
  /** Rows without cells, by width. Dropped at each `take`, or a long file of many widths would fill the memory. */
  let emptyRows: unknown[][] = [];
  let lines: number[] = [];
  let before = 0;
  /** Whether the first column is pandas' index as long as its cells say so. */
  let isIndexed = false;
  let warnings: readonly Warning[] | undefined;
  let isFirst = true;
  let headerAbsent = false;

  const setColumns = (names: readonly string[]): void => {
    columns = names;
    types = names.map((name) => typeOf.get(name));
  };
  const setHeader = (names: readonly string[]): void => {
    requireHeader(names, inputs, delimiter, advice);
    isIndexed = names[0] === '' && names.length > 1 && !ignoreExtra && !typeOf.has('');
    if (isIndexed) warnings = [INDEX_SKIPPED];
    setColumns(isIndexed ? names.slice(1) : names);
  };
  const setNoHeader = (): void => setColumns(inputs.map(({ name }) => name));
  if (header === false) setNoHeader();
  // A cell of an unknown column stays text.
  const readCells = (cells: readonly string[]): unknown[] =>
    cells.map((cell, at) => readCell(cell, types[at] ?? 'string'));
  const reader = createFormReader(inputs, form, (cells, line) => {
    if (isFirst) {
      isFirst = false;
      headerAbsent = header === 'found' && isRow(cells, inputs, readCell);
      if (headerAbsent) setNoHeader();
      else if (header !== false) {
        setHeader(cells);
        return;
      } else requireBareRow(cells, inputs, delimiter);
    }
    if (isIndexed && cells.shift() !== String(before + data.length)) refuseIndex(inputs, line);
    // The encoder refuses a row of another width, for which it counts the cells only: so rows of one width share a list.
    data.push(
      cells.length === types.length
        ? readCells(cells)
        : (emptyRows[cells.length] ??= new Array<undefined>(cells.length)),
    );
    lines.push(line);
  });

  return {
    write: reader.write,
    end: () => {
      reader.end();
      if (columns === undefined)
        throw new Problem('invalid_csv', { detail: 'The CSV has no line, not even a header.' });
    },
    take: () => {
      if (columns === undefined) return undefined;
      const table: Table = {
        columns,
        data,
        lines,
        explain: EXPLAIN[decimal],
        ...(before > 0 && { before }),
        ...(warnings && { warnings }),
        ...(headerAbsent && { headerAbsent }),
      };
      before += data.length;
      data = [];
      emptyRows = [];
      lines = [];
      warnings = undefined;
      return table;
    },
    position: () => {
      const line = reader.nextLine;
      if (columns === undefined || isFirst || line === undefined) return undefined;
      return {
        row: before + data.length,
        line,
        form: { columns, delimiter, decimal, ignoreExtra, isIndexed },
      };
    },
    skip: (rows, count) => {
      before += rows;
      reader.skip(rows, count);
    },
    readRow: (text) => {
      let row: string[] = [];
      const one = createCsvReader((cells) => (row = cells), { delimiter });
      one.write(text);
      one.end();
      return readCells(isIndexed ? row.slice(1) : row);
    },
  };
}

/** Reads a whole CSV. @throws {Problem} as CsvTable */
export function readCsv(text: string, inputs: readonly Input[], form?: CsvForm): Table {
  const table = createCsvTable(inputs, form);
  table.write(text);
  table.end();
  return table.take() as Table;
}
