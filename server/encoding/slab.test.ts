import { describe, expect, it } from 'vitest';
import { createSlab } from './slab.ts';

describe('a slab', () => {
  it('gives matrices of zeros that never overlap', () => {
    const allocate = createSlab(Float32Array, 4);
    const matrices = Array.from({ length: 3000 }, (_, index) => {
      const matrix = allocate(108);
      expect(matrix.every((cell) => cell === 0)).toBe(true);
      return matrix.fill(index);
    });
    matrices.forEach((matrix, index) => expect(matrix.every((cell) => cell === index)).toBe(true));
  });

  it('gives a large matrix memory of its own', () => {
    const allocate = createSlab(Float64Array, 8);
    const large = allocate(100_000);
    expect(large).toHaveLength(100_000);
    expect(large.buffer.byteLength).toBe(800_000);
    expect(allocate(14).buffer).not.toBe(large.buffer);
  });

  it('gives none for none', () => {
    expect(createSlab(Float32Array, 4)(0)).toHaveLength(0);
  });
});
