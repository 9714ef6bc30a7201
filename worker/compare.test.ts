import { describe, expect, it } from 'vitest';
import { firstDifference, scoreAll } from './compare.ts';
import type { OutputFeed, Rows } from './protocol.ts';
import { MAX_BATCH_ROWS } from './protocol.ts';
import type { Scorer } from './scorer.ts';

const CLASSES: OutputFeed = { task: 'classification', label: 'l', probabilities: 'p', classes: ['a', 'b'] };
const VALUE: OutputFeed = { task: 'regression', value: 'v' };

const compare = (output: OutputFeed, got: readonly number[], wanted: readonly number[]): number | undefined =>
  firstDifference(output, Float64Array.from(got), Float64Array.from(wanted));

describe('the difference of classifications', () => {
  const wanted = [0, 0.75, 0.25, 1, 0.1, 0.9];

  it.each([
    ['the same answers', wanted],
    ['probabilities within 1e-6', [0, 0.75 + 9e-7, 0.25 - 9e-7, 1, 0.1, 0.9]],
  ])('is none for %s', (_, got) => {
    expect(compare(CLASSES, got, wanted)).toBeUndefined();
  });

  it.each([
    ['another label', [0, 0.75, 0.25, 0, 0.1, 0.9], 1],
    ['a probability further than 1e-6', [0, 0.75, 0.25 + 2e-6, 1, 0.1, 0.9], 0],
    ['a probability that is no number', [0, 0.75, 0.25, 1, NaN, 0.9], 1],
  ])('names the row of %s', (_, got, row) => {
    expect(compare(CLASSES, got, wanted)).toBe(row);
  });
});

describe('the difference of regressions', () => {
  const wanted = [1e6, 0.5, NaN];

  it('allows what float32 sums may differ by, relative to the value', () => {
    expect(compare(VALUE, [1e6 + 9, 0.5 + 9e-6, NaN], wanted)).toBeUndefined();
  });

  it.each([
    ['a large value', [1e6 + 11, 0.5, NaN], 0],
    ['a small value', [1e6, 0.5 + 2e-5, NaN], 1],
    ['NaN where there is a value', [1e6, NaN, NaN], 1],
    ['a value where there is NaN', [1e6, 0.5, 0], 2],
  ])('names the row of %s', (_, got, row) => {
    expect(compare(VALUE, got, wanted)).toBe(row);
  });
});

describe('scoreAll', () => {
  it('goes through any number of rows in batches, each with its own texts', async () => {
    const many = 2 * MAX_BATCH_ROWS + 3;
    const cells = Float64Array.from({ length: many * 2 }, (_, at) => at);
    const texts = [0, 255, 256, 514].map((row) => ({ row, column: 1, text: `${row}` }));
    const batches: unknown[] = [];
    const scorer: Scorer = {
      score: (part, given, rows, answers) => {
        batches.push([rows, given.map(({ row, text }) => `${row}: ${text}`)]);
        for (let row = 0; row < rows; row++) answers[row] = (part[2 * row] as number) / 2;
      },
      close: () => Promise.resolve(),
    };
    const rows: Rows = { rows: many, cells, texts };
    expect([...(await scoreAll(scorer, rows, 1))]).toEqual(Array.from({ length: many }, (_, row) => row));
    expect(batches).toEqual([
      [256, ['0: 0', '255: 255']],
      [256, ['0: 256']],
      [3, ['2: 514']],
    ]);
  });

  it('scores nothing without rows', async () => {
    const scorer: Scorer = {
      score: () => Promise.reject(new Error('scored')),
      close: () => Promise.resolve(),
    };
    const none: Rows = { rows: 0, cells: new Float64Array(0), texts: [] };
    expect(await scoreAll(scorer, none, 3)).toHaveLength(0);
  });
});
