import { expect, it } from 'vitest';
import { fromHalf, toHalf } from './half.ts';

it('reads and writes every float16', () => {
  for (let bits = 0; bits < 2 ** 16; bits++) {
    const value = fromHalf(bits);
    if (Number.isNaN(value)) expect(fromHalf(toHalf(value))).toBeNaN();
    else expect(toHalf(value)).toBe(bits);
  }
});

it('rounds to the nearest, and a tie to the even one', () => {
  for (let bits = 0; bits < 0x7bff; bits++) {
    const [low, high] = [fromHalf(bits), fromHalf(bits + 1)];
    const middle = (low + high) / 2;
    expect(toHalf(middle)).toBe(bits % 2 === 0 ? bits : bits + 1);
    expect(toHalf(middle + (high - low) * 1e-6)).toBe(bits + 1);
    expect(toHalf(-(middle - (high - low) * 1e-6))).toBe(bits | 0x8000);
  }
});

it('makes Infinity of what is nearer to it than to 65504', () => {
  expect([65519.99, 65520, 1e300, -65520].map((value) => fromHalf(toHalf(value)))).toEqual([
    65504,
    Infinity,
    Infinity,
    -Infinity,
  ]);
});
