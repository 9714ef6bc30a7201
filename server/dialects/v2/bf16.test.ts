import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fromHalf, roundToHalf } from '../../../worker/onnx/half.ts';
import { roundToBf16, widenBf16 } from './bf16.ts';

const ALL_BITS = Array.from({ length: 2 ** 16 }, (_, bits) => bits);

describe.each([
  { name: 'FP16', widen: fromHalf, round: roundToHalf, infinity: 0x7c00, one: 0x3c00 },
  { name: 'BF16', widen: widenBf16, round: roundToBf16, infinity: 0x7f80, one: 0x3f80 },
])('$name', ({ widen, round, infinity, one }) => {
  /** The numbers from 0 on, in the order of their bits: so is their order by size. */
  const numbers = ALL_BITS.slice(0, infinity).map(widen);

  it('is widened exactly, for all bits', () => {
    expect([widen(0), widen(0x8000), widen(one), widen(one | 0x8000)]).toEqual([0, -0, 1, -1]);
    expect([widen(infinity), widen(infinity | 0x8000), widen(infinity + 1)]).toEqual([
      Infinity,
      -Infinity,
      NaN,
    ]);
    for (let bits = 1; bits < infinity; bits++) {
      const [before, value] = [numbers[bits - 1] as number, numbers[bits] as number];
      if (!(value > before) || widen(bits | 0x8000) !== -value) throw new Error(`bits ${bits}`);
      if (round(value) !== value || round(-value) !== -value) throw new Error(`bits ${bits} are rounded`);
    }
  });

  it('is the nearest number, of two the one with even bits', () => {
    const nearest = (value: number): number => {
      const above = numbers.findIndex((number) => number >= value);
      const [low, high] = [numbers[above - 1] as number, numbers[above] as number];
      if (high === value) return high;
      if (value - low === high - value) return (above - 1) % 2 === 0 ? low : high;
      return value - low < high - value ? low : high;
    };
    const between = fc
      .tuple(fc.integer({ min: 1, max: infinity - 1 }), fc.constantFrom(0.5, 0.25, 0.75, 0.4999))
      .map(([bits, part]) => {
        const [low, high] = [numbers[bits - 1] as number, numbers[bits] as number];
        return low + (high - low) * part;
      });
    fc.assert(
      fc.property(between, (value) => {
        expect(round(value)).toBe(nearest(value));
        expect(round(-value)).toBe(-nearest(value));
      }),
      { numRuns: 300 },
    );
    const largest = numbers.at(-1) as number;
    expect([round(largest * 1.5), round(-1e300), round(NaN), round(Infinity)]).toEqual([
      Infinity,
      -Infinity,
      NaN,
      Infinity,
    ]);
    expect(round((numbers[1] as number) / 4)).toBe(0);
  });
});

it('known numbers of FP16 and BF16', () => {
  expect([0x0001, 0x03ff, 0x0400, 0x3555, 0x7bff].map(fromHalf)).toEqual([
    2 ** -24,
    1023 * 2 ** -24,
    2 ** -14,
    0.333251953125,
    65504,
  ]);
  expect([0x0001, 0x0080, 0x3eab, 0x4049, 0x7f7f].map(widenBf16)).toEqual([
    2 ** -133,
    2 ** -126,
    0.333984375,
    3.140625,
    3.3895313892515355e38,
  ]);
  expect([roundToHalf(0.1), roundToBf16(0.1), roundToHalf(65520)]).toEqual([
    0.0999755859375,
    0.10009765625,
    Infinity,
  ]);
});
