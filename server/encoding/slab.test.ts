import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createSlab, giveBack } from './slab.ts';

const SMALL = 108;
const LARGE = 100_000;

beforeEach(() => {
  vi.useFakeTimers();
});

afterEach(() => {
  vi.runAllTimers();
  vi.useRealTimers();
});

describe('a slab', () => {
  it('gives matrices of zeros that never overlap', () => {
    const { zeros } = createSlab(Float32Array, 4);
    const matrices = Array.from({ length: 3000 }, (_, index) => {
      const matrix = zeros(SMALL);
      expect(matrix.every((cell) => cell === 0)).toBe(true);
      return matrix.fill(index);
    });
    matrices.forEach((matrix, index) => expect(matrix.every((cell) => cell === index)).toBe(true));
  });

  it('gives a large matrix memory of its own', () => {
    const { zeros, reserve } = createSlab(Float64Array, 8);
    const large = zeros(LARGE);
    expect(large).toHaveLength(LARGE);
    expect(large.every((cell) => cell === 0)).toBe(true);
    const others = [zeros(14), zeros(LARGE), reserve(LARGE)].map(({ buffer }) => buffer);
    expect(new Set([large.buffer, ...others]).size).toBe(4);
  });

  it('gives none for none', () => {
    expect(createSlab(Float32Array, 4).zeros(0)).toHaveLength(0);
  });

  it('uses the memory of a large matrix again, of about as many cells and of any model', () => {
    const floats = createSlab(Float32Array, 4);
    const doubles = createSlab(Float64Array, 8);
    const first = floats.reserve(2 * LARGE).fill(7);
    giveBack(first);
    const second = doubles.zeros(LARGE - 10);
    expect(second.buffer).toBe(first.buffer);
    expect(second).toHaveLength(LARGE - 10);
    expect(second.every((cell) => cell === 0)).toBe(true);
    // Once.
    expect(floats.reserve(2 * LARGE).buffer).not.toBe(first.buffer);
  });

  it('never uses the memory of a small matrix again: others lie beside it', () => {
    const { zeros } = createSlab(Float32Array, 4);
    const first = zeros(SMALL).fill(1);
    giveBack(first);
    const next = Array.from({ length: 3000 }, () => zeros(SMALL));
    expect(next.every((matrix) => matrix.every((cell) => cell === 0))).toBe(true);
    expect(first.every((cell) => cell === 1)).toBe(true);
  });

  it('keeps a bounded amount of memory, and none that was not used for a while', () => {
    const { reserve } = createSlab(Float32Array, 4);
    const cells = 2 ** 20;
    const many = Array.from({ length: 8 }, () => reserve(cells));
    many.forEach(giveBack);
    const again = Array.from({ length: 8 }, () => reserve(cells));
    const before = new Set(many.map(({ buffer }) => buffer));
    expect(again.filter(({ buffer }) => before.has(buffer))).toHaveLength(4);
    const [last] = again;
    giveBack(last as Float32Array);
    vi.advanceTimersByTime(60_000);
    expect(reserve(cells).buffer === last?.buffer).toBe(false);
  });
});
