import { describe, expect, it } from 'vitest';
import { readTextCell } from './textCell.ts';

describe('a cell from text', () => {
  it.each([
    ['25', 25],
    [' -7 ', -7],
    ['25.', 25],
    ['25.000', 25],
    ['2.5e1', 25],
    ['250e-1', 25],
    ['0e-9', 0],
    ['1e3', 1000],
    ['9007199254740993', 9007199254740992],
  ])('%s is a whole number', (text, value) => expect(readTextCell(text, 'integer')).toBe(value));

  it.each(['25.5', '25.000000000000000000001', '9007199254740991.4', '1e-400', '25e-1', '.1', '0.1e-399'])(
    '%s is not a whole number',
    (text) => expect(Number.isInteger(readTextCell(text, 'integer'))).toBe(false),
  );

  it.each(['', ' ', '\t'])('%j is a missing number', (text) =>
    expect(readTextCell(text, 'number')).toBeNull(),
  );

  it.each(['NA', 'NaN', '1,5', '0x10', '1e', 'e1', '--1', 'Infinity'])('%s stays text', (text) =>
    expect(readTextCell(text, 'number')).toBe(text),
  );

  it('is read in linear time', () => {
    const start = performance.now();
    readTextCell(`${'1'.repeat(500_000)}.${'0'.repeat(500_000)}1`, 'integer');
    expect(performance.now() - start).toBeLessThan(1000);
  });
});
