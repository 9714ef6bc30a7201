import { describe, expect, it } from 'vitest';
import { Problem } from '../../errors/problem.ts';
import type { Table } from '../../model/rows.ts';
import type { ColumnType, Input } from '../../model/signature.ts';
import type { CsvForm } from './csv.ts';
import { createCsvTable, readCsv } from './csv.ts';
import { readTextCell } from './textCell.ts';

const column = (name: string, type: ColumnType): Input => ({ name, onnx: name, type, nullable: true });
const ANY: unknown = expect.any(Function);
const INPUTS = [column('n', 'number'), column('s', 'string')];

describe('a text cell', () => {
  const TYPES = ['number', 'boolean', 'string'] as const;
  it.each<[string, unknown, unknown, unknown]>([
    ['', null, null, null],
    ['  ', null, null, '  '],
    ['39', 39, '39', '39'],
    [' 39\t', 39, ' 39\t', ' 39\t'],
    ['+3.5e-1', 0.35, '+3.5e-1', '+3.5e-1'],
    ['.5', 0.5, '.5', '.5'],
    ['5.', 5, '5.', '5.'],
    ['007', 7, '007', '007'],
    ['1e999', Infinity, '1e999', '1e999'],
    ['0x10', '0x10', '0x10', '0x10'],
    ['1_000', '1_000', '1_000', '1_000'],
    ['1,5', '1,5', '1,5', '1,5'],
    ['NaN', 'NaN', 'NaN', 'NaN'],
    ['NA', 'NA', 'NA', 'NA'],
    ['Infinity', 'Infinity', 'Infinity', 'Infinity'],
    ['null', 'null', 'null', 'null'],
    ['true', 'true', true, 'true'],
    [' False ', ' False ', false, ' False '],
    ['yes', 'yes', 'yes', 'yes'],
    ['１', '１', '１', '１'],
  ])('%j is read by the type of its column', (text, ...values) => {
    expect(TYPES.map((type) => readTextCell(text, type))).toEqual(values);
    const fraction = typeof values[0] === 'number' && values[0] % 1 > 0;
    if (fraction) expect(readTextCell(text, 'integer')).toBe(0.5);
    else expect(readTextCell(text, 'integer')).toEqual(values[0]);
  });

  it('is read in linear time', () => {
    const start = performance.now();
    for (const text of ['1'.repeat(200_000) + 'x', ' '.repeat(200_000) + 'x']) readTextCell(text, 'number');
    expect(performance.now() - start).toBeLessThan(500);
  });
});

describe('a CSV', () => {
  it('whose lines end with a carriage return alone is refused without repeating a cell', () => {
    expect(() => readCsv('n,s\r1,SECRET\r', INPUTS)).toThrow(
      'A line ends with a carriage return alone: end lines with LF or CR LF.',
    );
  });

  it('is read by the types of the signature, with columns in any order', () => {
    expect(readCsv('x,s,n\n7,7,7\n\n,,\n', INPUTS)).toEqual({
      explain: ANY,
      columns: ['x', 's', 'n'],
      data: [
        ['7', '7', 7],
        [null, null, null],
      ],
      lines: [2, 4],
    });
  });

  it('without a header has the columns of the signature', () => {
    expect(readCsv('1,a\n', INPUTS, { header: false })).toEqual({
      explain: ANY,
      columns: ['n', 's'],
      data: [[1, 'a']],
      lines: [1],
    });
    expect(readCsv('', INPUTS, { header: false }).data).toEqual([]);
  });

  it('with none of the columns in its first line is refused without repeating that line', () => {
    expect(() => readCsv('1,secret\n', INPUTS)).toThrow(/^(?!.*secret).*the header line seems to be missing/);
    expect(() => readCsv('', INPUTS)).toThrow('The CSV has no line, not even a header.');
  });

  it('shares one list among rows of a wrong width, until the next take', () => {
    const table = createCsvTable(INPUTS);
    const take = (text: string): readonly unknown[] => {
      table.write(text);
      return table.take()?.data ?? [];
    };
    const [first, second] = take('n,s\n1\n2\n');
    expect(second).toBe(first);
    const [third] = take('3\n');
    expect(third).toEqual(first);
    expect(third).not.toBe(first);
  });

  it('is taken in pieces', () => {
    const table = createCsvTable(INPUTS);
    table.write('n');
    expect(table.take()).toBeUndefined();
    table.write(',s\n1,a\n2,');
    expect(table.take()).toEqual({ explain: ANY, columns: ['n', 's'], data: [[1, 'a']], lines: [2] });
    table.write('b');
    table.end();
    expect(table.take()).toEqual({
      explain: ANY,
      columns: ['n', 's'],
      data: [[2, 'b']],
      lines: [3],
      before: 1,
    });
  });
});

/** The table of a text that comes in pieces of this size, or the sentence of its refusal. */
function outcome(text: string, form: CsvForm, size: number): unknown {
  const table = createCsvTable(INPUTS, form);
  const tables: Table[] = [];
  try {
    for (let at = 0; at < text.length; at += size) {
      table.write(text.slice(at, at + size));
      const taken = table.take();
      if (taken) tables.push(taken);
    }
    table.end();
    const taken = table.take();
    if (taken) tables.push(taken);
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    return [error.code, error.extensions.errors?.[0]?.message ?? error.message];
  }
  return {
    columns: tables[0]?.columns,
    data: tables.flatMap(({ data }) => data),
    lines: tables.flatMap(({ lines = [] }) => lines),
    warnings: tables.flatMap(({ warnings = [] }) => warnings.map(({ code }) => code)),
  };
}

const READ = { columns: ['n', 's'], data: [[1.5, 'a']], lines: [2], warnings: [] };
const SEEN = (seen: string, asked: string, value: string): string =>
  `he cells seem to be separated by ${seen}; send ${asked}, or ?delimiter=${value}`;
const utf16 = (text: string): string => text.replace(/[^]/g, '$&\0');

describe.each([1, 2, 3, Infinity])('a CSV of a spreadsheet, in pieces of %s', (size) => {
  it.each<[string, string, CsvForm, object]>([
    ['semicolons', 'n;s\n1.5;a\n', { delimiter: ';' }, READ],
    ['tabs', 'n\ts\r\n1.5\ta', { delimiter: '\t' }, READ],
    ['pipes', 'n|s\n"1.5"|"a"\n', { delimiter: '|' }, READ],
    ['a decimal comma', 'n;s\n1,5;a\n', { delimiter: ';', decimal: ',' }, READ],
    ['a decimal comma in quotes', 'n,s\n"1,5",a\n', { decimal: ',' }, READ],
    ['sep=', 'sep=;\nn;s\n1.5;a\n', { delimiter: ';' }, { ...READ, lines: [3] }],
    ['sep= in quotes', '"sep=;"\r\nn;s\r\n1.5;a\r\n', { delimiter: ';' }, { ...READ, lines: [3] }],
    ['sep=,', 'SEP=,\nn,s\n1.5,a\n', {}, { ...READ, lines: [3] }],
    ['sep= without a header', 'sep=;\n1.5;a\n', { delimiter: ';', header: false }, READ],
    [
      "pandas' index",
      ',n,s\n0,1.5,a\n1,2,b\n',
      {},
      {
        columns: ['n', 's'],
        data: [
          [1.5, 'a'],
          [2, 'b'],
        ],
        lines: [2, 3],
        warnings: ['index_column'],
      },
    ],
    [
      'an index without rows',
      ',n,s\n',
      {},
      { columns: ['n', 's'], data: [], lines: [], warnings: ['index_column'] },
    ],
    [
      'any index where columns are skipped',
      ',n,s\n7,1.5,a\n',
      { ignoreExtra: true },
      {
        ...READ,
        columns: ['', 'n', 's'],
        data: [['7', 1.5, 'a']],
      },
    ],
  ])('takes %s', (_, text, form, table) => {
    expect(outcome(text, form, size)).toEqual(table);
  });

  it.each<[string, string, CsvForm, string]>([
    ['semicolons', 'n;s\n1;SECRET\n', {}, `T${SEEN('";"', 'commas', ';')}.`],
    ['tabs', 'n\ts\n1\tSECRET\n', {}, `T${SEEN('a tab', 'commas', 'tab')}.`],
    ['pipes', 'N|S\n1|SECRET\n', {}, `T${SEEN('"|"', 'commas', '|')}.`],
    ['commas', 'n,s\n1,SECRET\n', { delimiter: ';' }, `T${SEEN('","', 'semicolons', ',')}.`],
    [
      'quotes and semicolons',
      '"n";"s"\n1;"SECRET"\n',
      {},
      `a quoted cell is followed by another delimiter: t${SEEN('";"', 'commas', ';')}`,
    ],
    [
      'a quote behind a semicolon',
      '1;"SECRET"\n',
      { header: false },
      `a quoted cell seems to be preceded by a delimiter: t${SEEN('";"', 'commas', ';')}`,
    ],
    ['semicolons without a header', '1;SECRET\n', { header: false }, `T${SEEN('";"', 'commas', ';')}.`],
    [
      'an index without a header',
      '0,1,SECRET\n',
      { header: false },
      "The first column seems to be pandas' index: leave it out, by index=False.",
    ],
    [
      'sep= without the parameter',
      'sep=;\nn;s\n1;SECRET\n',
      {},
      `The first line names the delimiter (sep=): t${SEEN('";"', 'commas', ';')}.`,
    ],
    [
      'another sep=',
      'sep=^\nn^s\n',
      {},
      'The first line names a delimiter (sep=) that this server does not read: send commas.',
    ],
    [
      'UTF-16 without a mark',
      utf16('n,s\n1,SECRET\n'),
      {},
      'The body seems to be UTF-16: send it in UTF-8, which spreadsheets write as "CSV UTF-8".',
    ],
    [
      'UTF-16 without a header',
      utf16('1,SECRET\n'),
      { header: false },
      'The body seems to be UTF-16: send it in UTF-8, which spreadsheets write as "CSV UTF-8".',
    ],
    [
      'no header',
      '1,SECRET\n',
      {},
      "The first line has none of the signature's columns: the header line seems to be missing; add it, or ask with ?header=false.",
    ],
    [
      'an index that is none',
      ',n,s\n0,1,a\n2,2,SECRET\n',
      {},
      "The first column has no name, and is not pandas' index, since line 3 breaks its order 0, 1, 2, …: name it or leave it out (index=False), or ask with ?extra=ignore.",
    ],
    [
      "R's row names",
      '"","n","s"\n"1",1,"SECRET"\n',
      {},
      "The first column has no name, and is not pandas' index, since line 2 breaks its order 0, 1, 2, …: name it or leave it out (index=False), or ask with ?extra=ignore.",
    ],
  ])('refuses %s by what was seen and what to send', (_, text, form, sentence) => {
    expect(outcome(text, form, size)).toEqual([expect.any(String), sentence]);
  });
});

it('a line sep=; is a row where it can be one: a text without a header', () => {
  const [, text] = INPUTS;
  expect(readCsv('sep=;\n', [text as Input], { header: false }).data).toEqual([['sep=;']]);
});

it('a header in other letter case is a header: the encoder names what differs', () => {
  expect(readCsv('N,S\n1,a\n', INPUTS).columns).toEqual(['N', 'S']);
});
