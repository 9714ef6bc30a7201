import { describe, expect, it } from 'vitest';
import type { ColumnType, Input } from '../../model/signature.ts';
import { createCsvTable, readCsv } from './csv.ts';
import { readTextCell } from './textCell.ts';

const column = (name: string, type: ColumnType): Input => ({ name, onnx: name, type, nullable: true });
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
      'A line ends with a carriage return alone. End lines with LF or CR LF.',
    );
  });

  it('is read by the types of the signature, with columns in any order', () => {
    expect(readCsv('x,s,n\n7,7,7\n\n,,\n', INPUTS)).toEqual({
      columns: ['x', 's', 'n'],
      data: [
        ['7', '7', 7],
        [null, null, null],
      ],
      lines: [2, 4],
    });
  });

  it('without a header has the columns of the signature', () => {
    expect(readCsv('1,a\n', INPUTS, false)).toEqual({ columns: ['n', 's'], data: [[1, 'a']], lines: [1] });
    expect(readCsv('', INPUTS, false).data).toEqual([]);
  });

  it('with none of the columns in its first line is refused without repeating that line', () => {
    expect(() => readCsv('1,secret\n', INPUTS)).toThrow(/^(?!.*secret).*the header line seems to be missing/);
    expect(() => readCsv('', INPUTS)).toThrow('The CSV has no line, not even a header.');
  });

  it('shares one list among rows of a wrong width, until the next take', () => {
    const table = createCsvTable(INPUTS, true);
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
    const table = createCsvTable(INPUTS, true);
    table.write('n');
    expect(table.take()).toBeUndefined();
    table.write(',s\n1,a\n2,');
    expect(table.take()).toEqual({ columns: ['n', 's'], data: [[1, 'a']], lines: [2] });
    table.write('b');
    table.end();
    expect(table.take()).toEqual({ columns: ['n', 's'], data: [[2, 'b']], lines: [3], before: 1 });
  });
});
