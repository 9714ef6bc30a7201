import { describe, expect, it } from 'vitest';
import type { Input } from '../model/signature.ts';
import { createEncoder } from '../encoding/encoder.ts';
import { edgeRows } from './edgeRows.ts';

const text = (categories: readonly string[]): Input => ({
  name: 't',
  onnx: 't',
  type: 'string',
  nullable: false,
  categories,
});
const number: Input = { name: 'n', onnx: 'n', type: 'number', nullable: true, range: [-0.5, 12.25] };
const integer: Input = { name: 'i', onnx: 'i', type: 'integer', nullable: true, range: [17, 90] };
const boolean: Input = { name: 'b', onnx: 'b', type: 'boolean', nullable: false };

describe('edgeRows', () => {
  it('holds every category, strangers, missing values, the ends of the range and far outside', () => {
    const inputs = [text([' Private', ' ?']), number, integer, boolean];
    const rows = edgeRows({ inputs });
    const cells = inputs.map((_, column) => new Set(rows.map((row) => row[column])));
    expect([...(cells[0] ?? [])]).toEqual(
      expect.arrayContaining([' Private', ' ?', 'Private', '', 'no such category']),
    );
    expect([...(cells[1] ?? [])]).toEqual(
      expect.arrayContaining([null, -0.5, 12.25, 0.5, 1e20, 3.4028234663852886e38]),
    );
    expect([...(cells[2] ?? [])]).toEqual(
      expect.arrayContaining([null, 17, 90, 16, 91, 0, -1, 2 ** 53 - 1, 1 - 2 ** 53]),
    );
    expect([...(cells[3] ?? [])].sort()).toEqual([false, true]);
  });

  it('is accepted by the encoder, and the same each time', () => {
    const rounded: Input = { ...integer, tensor: 'float32', range: [1_700_000_000, 1_710_000_001] };
    const inputs = [text(['a']), number, integer, rounded, boolean].map((input, index) => ({
      ...input,
      name: `c${index}`,
    }));
    const rows = edgeRows({ inputs });
    const names = inputs.map(({ name }) => name);
    expect(createEncoder({ inputs }).encode(names, rows).rows).toBe(rows.length);
    expect(edgeRows({ inputs })).toEqual(rows);
  });

  it('stays below 601 rows, however many categories and columns there are', () => {
    const many = Array.from({ length: 5_000 }, (_, i) => `category ${i}`);
    expect(edgeRows({ inputs: [text(many), number] }).length).toBeLessThanOrEqual(600);
    expect(edgeRows({ inputs: Array.from({ length: 200 }, () => number) }).length).toBeLessThanOrEqual(600);
    expect(edgeRows({ inputs: [] })).toEqual([]);
  });
});
