import { parse } from 'csv-parse/sync';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Problem } from '../../errors/problem.ts';
import { createCsvReader } from './csvReader.ts';

interface Record {
  readonly cells: string[];
  readonly line: number;
  readonly text: string;
}

/** Reads a text in pieces of this size. */
function read(text: string, size = Infinity): Record[] {
  const records: Record[] = [];
  const reader = createCsvReader((cells, line, own) => records.push({ cells, line, text: own }));
  for (let at = 0; at < text.length; at += size) reader.write(text.slice(at, at + size));
  reader.end();
  return records;
}

const cellsOf = (text: string, size?: number): string[][] => read(text, size).map(({ cells }) => cells);

function faultOf(text: string): unknown {
  try {
    read(text);
  } catch (error) {
    expect(error).toBeInstanceOf(Problem);
    return (error as Problem).extensions.errors?.[0];
  }
  throw new Error('the text was taken');
}

describe('the CSV reader', () => {
  it.each<[string, string, string[][]]>([
    [
      'plain lines',
      'a,b\n1,2\n',
      [
        ['a', 'b'],
        ['1', '2'],
      ],
    ],
    [
      'CRLF, and a last line without an end',
      'a,b\r\n1,2',
      [
        ['a', 'b'],
        ['1', '2'],
      ],
    ],
    ['spaces as they stand', ' a , b\n', [[' a ', ' b']]],
    ['empty cells', ',\n""\n', [['', ''], ['']]],
    ['quotes, commas and line ends in a cell', '"a ""b"", c\r\nd",2\n', [['a "b", c\r\nd', '2']]],
    ['empty lines, skipped', '\na\r\n\r\n\nb\n\n', [['a'], ['b']]],
    ['nothing', '', []],
    ['a lone CR as a character', 'a\rb,c\n', [['a\rb', 'c']]],
  ])('takes %s', (_, text, cells) => {
    for (const size of [1, 2, 3, Infinity]) expect(cellsOf(text, size)).toEqual(cells);
  });

  it('reports the first line of each record', () => {
    expect(read('a\n\n"1\n2"\r\n3\n').map(({ line }) => line)).toEqual([1, 3, 5]);
  });

  it('reports the text of each record', () => {
    const text = 'a,b\r\n"1\n",2\n3,4';
    expect(read(text, 2).map((record) => record.text)).toEqual(['a,b\r\n', '"1\n",2\n', '3,4']);
  });

  it.each([
    [
      'a\n1\nx"y\n',
      { row: 1, line: 3, message: 'a quote stands within a cell that does not begin with one' },
    ],
    ['a\n"1"2\n', { row: 0, line: 2, message: 'a quoted cell goes on behind its closing quote' }],
    ['a\n1\n"2\n3\n', { row: 1, line: 3, message: 'a quote is opened, but never closed' }],
    ['a\n"1" ,2\n', { row: 0, line: 2, message: 'a quoted cell goes on behind its closing quote' }],
  ])('refuses %j with its line', (text, fault) => {
    expect(faultOf(text)).toEqual(fault);
  });

  it('does not collect a whole file after an unclosed quote', () => {
    const reader = createCsvReader(() => undefined);
    reader.write('a\n"');
    const piece = 'x\n'.repeat(50_000);
    expect(() => {
      for (let at = 0; at < 12; at++) reader.write(piece);
    }).toThrow('The body is not valid CSV.');
  });

  it('reads as csv-parse does, with any cuts of the text', () => {
    const cell = fc.oneof(
      fc.stringMatching(/^[a-c \t.;]{0,4}$/),
      fc.stringMatching(/^[a",\r\n]{0,5}$/).map((text) => `"${text.replaceAll('"', '""')}"`),
    );
    const text = fc
      .array(fc.tuple(fc.array(cell, { minLength: 1, maxLength: 4 }), fc.constantFrom('\n', '\r\n', '\n\n')))
      .map((lines) => lines.map(([cells, end]) => cells.join() + end).join(''));
    fc.assert(
      fc.property(text, fc.integer({ min: 1, max: 9 }), (csv, size) => {
        const expected = parse(csv, {
          relax_column_count: true,
          skip_empty_lines: true,
          record_delimiter: ['\r\n', '\n'],
        });
        expect(cellsOf(csv, size)).toEqual(expected);
      }),
      { numRuns: 500 },
    );
  });
});
