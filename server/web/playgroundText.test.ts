import { describe, expect, it } from 'vitest';
import { fromText } from './playground/cells.ts';
import { parseCsv, writeLine } from './playground/csv.ts';

describe('a CSV text', () => {
  it.each([
    ['a,b\n1,2\n', [['1', '2']], [2]],
    [
      'a,b\r\n1,2\r\n\r\n3,4',
      [
        ['1', '2'],
        ['3', '4'],
      ],
      [2, 4],
    ],
    ['\uFEFFa,b\r1,2\r', [['1', '2']], [2]],
    [
      'a,b\n"x, ""y""\nz",2\n3,',
      [
        ['x, "y"\nz', '2'],
        ['3', ''],
      ],
      [2, 4],
    ],
    ['a\n""\n', [['']], [2]],
    ['a;b\n1,5;2', [['1,5', '2']], [2]],
    ['a\tb\n1\t2', [['1', '2']], [2]],
    ['a,b\n 1 , 2', [[' 1 ', ' 2']], [2]],
    ['a,b\n1\n1,2,3', [['1'], ['1', '2', '3']], [2, 3]],
    ['a,b', [], []],
    ['', [], []],
  ])('%j', (text, rows, lines) => {
    expect(parseCsv(text)).toMatchObject({ rows, lines });
  });

  it('is read back unchanged after writing', () => {
    const cells = ['', ' a', 'b,c', '"d"', 'e\nf', 'g\rh', "i'", '京都'];
    expect(parseCsv(`${writeLine(cells, ',')}${writeLine(cells, ',')}`)).toMatchObject({
      header: cells,
      rows: [cells],
    });
  });
});

describe('a cell of a CSV text', () => {
  it.each([
    ['number', ' 1.5e3 ', 1500],
    ['number', '-.5', -0.5],
    ['integer', '+7', 7],
    ['integer', '7.5', 7.5],
    ['integer', '0x10', '0x10'],
    ['number', 'Infinity', 'Infinity'],
    ['number', 'NaN', 'NaN'],
    ['number', ' ', ' '],
    ['number', '1,5', '1,5'],
    ['number', '', null],
    ['string', '', null],
    ['string', ' NA ', ' NA '],
    ['boolean', 'TRUE', true],
    ['boolean', '1', '1'],
  ] as const)('of type %s: %j', (type, text, cell) => expect(fromText({ type }, text)).toBe(cell));
});
