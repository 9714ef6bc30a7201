import { describe, expect, it } from 'vitest';
import type { ColumnType } from '../../model/signature.ts';
import type { DecimalSign } from './explainCell.ts';
import { explainText } from './explainCell.ts';
import { readCommaCell } from './textCell.ts';

const FAULT = { reason: 'type', message: 'expected X, found a string' } as const;
const explain = (
  text: unknown,
  type: ColumnType,
  nullable = true,
  decimal: DecimalSign | undefined = '.',
): string => explainText(decimal)(text, { name: 'c', onnx: 'c', type, nullable }, FAULT).message;

describe('a refused text', () => {
  it.each([
    'NA',
    'n/a',
    'N/A',
    '#N/A',
    'NaN',
    'nan',
    '-nan',
    'NULL',
    'null',
    'None',
    '<NA>',
    'NaT',
    ' NA ',
    '-',
    '?',
  ])('%j is one of a missing value, in a column of any other type', (text) => {
    expect(explain(text, 'number')).toBe(
      'expected a number, found a text for a missing value, such as NA: leave the cell empty',
    );
    expect(explain(text, 'boolean', false)).toBe(
      'expected a boolean, found a text for a missing value, such as NA (this column takes no missing value)',
    );
  });

  it.each<[string, ColumnType, string]>([
    ['true', 'integer', 'expected an integer, found a boolean: send 1 or 0'],
    ['FALSE', 'number', 'expected a number, found a boolean: send 1 or 0'],
    ['0', 'boolean', 'expected a boolean, found 0 or 1: send true or false'],
    ['1.0', 'boolean', 'expected a boolean, found 0 or 1: send true or false'],
    ['yes', 'boolean', 'expected a boolean, found another word: send true or false'],
    ['5,1', 'number', 'expected a number, found a decimal comma: send a point, or ask with ?decimal=,'],
    [',5', 'number', 'expected a number, found a decimal comma: send a point, or ask with ?decimal=,'],
    [
      '1,234',
      'integer',
      'expected an integer, found a comma: leave it out where it separates thousands; if it is decimal, send a point, or ask with ?decimal=,',
    ],
    ['1,234.5', 'number', 'expected a number, found separators of thousands: leave them out'],
    ['1 234 567', 'integer', 'expected an integer, found separators of thousands: leave them out'],
    ['-inf', 'number', 'expected a number, found an infinity: send a finite number'],
    [
      '12 %',
      'number',
      'expected a number, found a sign beside the digits, such as % or €: send the number alone',
    ],
    [
      '$12',
      'integer',
      'expected an integer, found a sign beside the digits, such as % or €: send the number alone',
    ],
    ['clerk', 'number', FAULT.message],
    ['2', 'boolean', FAULT.message],
    ['%', 'number', FAULT.message],
  ])('%j in a column of type %s', (text, type, message) => {
    expect(explain(text, type)).toBe(message);
  });

  it('of a request that asked for a decimal comma', () => {
    expect(explain('5.1', 'number', true, ',')).toBe(
      'expected a number, found a decimal point: send a comma, or ask without ?decimal=,',
    );
    expect(explain('1.234,5', 'number', true, ',')).toBe(
      'expected a number, found separators of thousands: leave them out',
    );
  });

  it('of a query has no advice on a parameter that a query lacks', () => {
    expect(
      explainText()('5,1', { name: 'c', onnx: 'c', type: 'number', nullable: true }, FAULT).message,
    ).toBe('expected a number, found a decimal comma: send a point');
  });

  it('is explained in linear time, and only if its type is the fault', () => {
    const start = performance.now();
    for (const text of ['1,'.repeat(300_000), ' '.repeat(300_000)]) explain(text, 'number');
    expect(performance.now() - start).toBeLessThan(500);
    const missing = { reason: 'missing', message: 'm' } as const;
    expect(explainText('.')(null, { name: 'c', onnx: 'c', type: 'number', nullable: false }, missing)).toBe(
      missing,
    );
  });
});

describe('a cell with a decimal comma', () => {
  it.each<[string, unknown, unknown]>([
    ['5,1', 5.1, 0.5],
    ['-1,5e2', -150, -150],
    ['5', 5, 5],
    ['5,0', 5, 5],
    ['', null, null],
    [' ', null, null],
    ['5.1', '5.1', '5.1'],
    ['1.234,5', '1.234,5', '1.234,5'],
    ['1,2,3', '1,2,3', '1,2,3'],
    ['1,000000000000000000001', 1, 0.5],
  ])('%j', (text, number, integer) => {
    expect([readCommaCell(text, 'number'), readCommaCell(text, 'integer')]).toEqual([number, integer]);
  });

  it('is a text or a boolean as without it', () => {
    expect(readCommaCell('5,1', 'string')).toBe('5,1');
    expect(readCommaCell('true', 'boolean')).toBe(true);
  });
});
