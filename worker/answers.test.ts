import { describe, expect, it } from 'vitest';
import type { OutputValue } from './answers.ts';
import { createAnswerReader } from './answers.ts';
import { firstDifference } from './compare.ts';
import { toHalf } from './onnx/half.ts';
import type { OutputFeed } from './protocol.ts';
import { answerWidth, fetchedOutputs } from './protocol.ts';

function read(output: OutputFeed, outputs: Record<string, OutputValue>, rows: number): number[] {
  const answers = new Float64Array(rows * answerWidth(output));
  createAnswerReader(output)(outputs, answers, rows);
  return [...answers];
}

const VALUE: OutputFeed = { task: 'regression', value: 'y' };
const SEVERAL: OutputFeed = {
  task: 'several',
  form: 'list',
  values: [
    { name: 'a', onnx: 'x' },
    { name: 'kind', onnx: 'k', classes: ['no', 'yes'] },
    { name: 'b', onnx: 'x' },
    { name: 'n', onnx: 'n', integer: true },
  ],
  scores: { name: 'probabilities', onnx: 'p', width: 2 },
};

describe('the value of a row', () => {
  it.each<[string, OutputValue]>([
    ['floats', { data: Float32Array.of(1.5, -2) }],
    ['doubles', { data: Float64Array.of(1.5, -2) }],
    ['halves', { type: 'float16', data: Uint16Array.of(toHalf(1.5), toHalf(-2)) }],
  ])('is read from %s', (_, y) => {
    expect(read(VALUE, { y }, 2)).toEqual([1.5, -2]);
  });

  it('is exact from int64, and fails where JSON could not carry it', () => {
    const most = BigInt(Number.MAX_SAFE_INTEGER);
    expect(read(VALUE, { y: { data: BigInt64Array.of(most, -most) } }, 2)).toEqual([
      Number.MAX_SAFE_INTEGER,
      -Number.MAX_SAFE_INTEGER,
    ]);
    expect(() => read(VALUE, { y: { data: BigInt64Array.of(most + 1n) } }, 1)).toThrow(/beyond 2\^53/);
  });

  it.each<[string, OutputValue, RegExp]>([
    [
      'three a row',
      { data: new Float32Array(6) },
      /does not hold one value for each row: it has 3 a row; say by npm run import or in/,
    ],
    ['texts', { data: ['a', 'b'] }, /holds texts/],
    ['a row of columns', { data: new Float32Array(2), dims: [1, 2] }, /first dimension has to be the row/],
  ])('is refused for %s', (_, y, reason) => {
    expect(() => read(VALUE, { y }, 2)).toThrow(reason);
  });
});

describe('several values', () => {
  const outputs = {
    x: { data: Float32Array.of(1, 2, 3, 4) },
    k: { data: ['yes', 'no'] },
    n: { data: BigInt64Array.of(7n, -8n) },
    p: { data: Float32Array.of(0.25, 0.75, 0.5, 0.5) },
  };

  it('take the columns of their outputs in their order', () => {
    expect(fetchedOutputs(SEVERAL)).toEqual(['x', 'k', 'n', 'p']);
    expect(read(SEVERAL, outputs, 2)).toEqual([1, 1, 2, 7, 0.25, 0.75, 3, 0, 4, -8, 0.5, 0.5]);
  });

  it('fail for an unknown label, and for another number of columns', () => {
    expect(() => read(SEVERAL, { ...outputs, k: { data: ['yes', 'other'] } }, 2)).toThrow(
      /none of the classes/,
    );
    expect(() => read(SEVERAL, { ...outputs, x: { data: new Float32Array(6) } }, 2)).toThrow(
      /x does not hold 2 values for each row: it has 3 a row/,
    );
  });

  it('are compared by what they are', () => {
    const wanted = Float64Array.from([1000, 1, 2, 7, 0.25, 0.75]);
    const differs = (at: number, by: number): boolean => {
      const got = wanted.slice();
      (got[at] as number) += by;
      return firstDifference(SEVERAL, got, wanted) === 0;
    };
    // A value relative to its size, a label and an integer exactly, a probability absolutely.
    expect([differs(0, 0.005), differs(1, -1), differs(3, 1e-9), differs(4, 1e-7)]).toEqual([
      false,
      true,
      true,
      false,
    ]);
    expect([differs(0, 0.05), differs(4, 1e-5)]).toEqual([true, true]);
  });
});
