import fc from 'fast-check';
import { expect, it } from 'vitest';
import { roundDecimal } from './roundDecimal.ts';

it.each([
  [1.005, 2, 1.01],
  [-1.005, 2, -1.01],
  [2.5, 0, 3],
  [-2.5, 0, -3],
  [0.49999999999999994, 0, 0],
  [12345678901.234999, 2, 12345678901.23],
  [0.1 + 0.2, 15, 0.3],
  [1.5e-7, 7, 2e-7],
  [1.5e-9, 7, 0],
  [1e21, 2, 1e21],
  [1.25, 5, 1.25],
  [16884.924, 2, 16884.92],
])('%d to %d places is %d', (value, decimals, rounded) => {
  expect(roundDecimal(value, decimals)).toBeCloseTo(rounded, 20);
});

it('has at most the wanted places and an error of at most half a unit of the last one', () => {
  fc.assert(
    fc.property(
      fc.double({ min: -1e6, max: 1e6, noNaN: true }),
      fc.integer({ min: 0, max: 6 }),
      (value, decimals) => {
        const rounded = roundDecimal(value, decimals);
        expect(Number(rounded.toFixed(decimals)) === rounded).toBe(true);
        expect(Math.abs(rounded - value)).toBeLessThanOrEqual(0.5 * 10 ** -decimals * (1 + 1e-9));
      },
    ),
  );
  expect(roundDecimal(NaN, 2)).toBeNaN();
});
