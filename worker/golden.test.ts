import { describe, expect, it } from 'vitest';
import type { Score } from './golden.ts';
import { verifyGolden } from './golden.ts';
import type { GoldenRows, OutputFeed } from './protocol.ts';
import { MAX_BATCH_ROWS } from './protocol.ts';

const CLASSES: OutputFeed = { task: 'classification', label: 'l', probabilities: 'p', classes: ['a', 'b'] };
const VALUE: OutputFeed = { task: 'regression', value: 'v' };

/** Rows of two cells whose answers are these. */
const golden = (answers: readonly number[], width: number): GoldenRows => {
  const rows = answers.length / width;
  const cells = Float64Array.from({ length: rows * 2 }, (_, at) => at);
  return { rows, cells, texts: [], answers: Float64Array.from(answers) };
};
const answering =
  (answers: readonly number[]): Score =>
  () =>
    Promise.resolve(Float64Array.from(answers));

const mismatch = (row: number) => ({
  code: 'golden_mismatch',
  message: `golden row ${row} is not answered as the training side answered it`,
});

describe('verifyGolden of a classification', () => {
  const rows = golden([0, 0.75, 0.25, 1, 0.1, 0.9], 3);

  it.each([
    ['the same answers', [0, 0.75, 0.25, 1, 0.1, 0.9]],
    ['probabilities within 1e-6', [0, 0.75 + 9e-7, 0.25 - 9e-7, 1, 0.1, 0.9]],
  ])('accepts %s', async (_, answers) => {
    await verifyGolden(rows, CLASSES, answering(answers));
  });

  it.each([
    ['another label', [0, 0.75, 0.25, 0, 0.1, 0.9], 1],
    ['a probability further than 1e-6', [0, 0.75, 0.25 + 2e-6, 1, 0.1, 0.9], 0],
    ['a probability that is no number', [0, 0.75, 0.25, 1, NaN, 0.9], 1],
  ])('refuses %s, and names the row', async (_, answers, row) => {
    await expect(verifyGolden(rows, CLASSES, answering(answers))).rejects.toMatchObject(mismatch(row));
  });
});

describe('verifyGolden of a regression', () => {
  const rows = golden([1e6, 0.5], 1);

  it('accepts what float32 sums may differ by, relative to the value', async () => {
    await verifyGolden(rows, VALUE, answering([1e6 + 9, 0.5 + 9e-6]));
  });

  it.each([
    ['a large value', [1e6 + 11, 0.5], 0],
    ['a small value', [1e6, 0.5 + 2e-5], 1],
    ['NaN', [1e6, NaN], 1],
  ])('refuses %s that differs by more', async (_, answers, row) => {
    await expect(verifyGolden(rows, VALUE, answering(answers))).rejects.toMatchObject(mismatch(row));
  });
});

describe('verifyGolden', () => {
  it('goes through any number of rows in batches, each with its own texts', async () => {
    const many = 2 * MAX_BATCH_ROWS + 3;
    const answers = Array.from({ length: many }, (_, row) => row);
    const texts = [0, 255, 256, 514].map((row) => ({ row, column: 1, text: `${row}` }));
    const batches: unknown[] = [];
    const score: Score = (cells, given, rows) => {
      batches.push([rows, given.map(({ row, text }) => [row, text])]);
      return Promise.resolve(Float64Array.from({ length: rows }, (_, row) => (cells[2 * row] as number) / 2));
    };
    await verifyGolden({ ...golden(answers, 1), texts }, VALUE, score);
    expect(batches).toEqual([
      [
        256,
        [
          [0, '0'],
          [255, '255'],
        ],
      ],
      [256, [[0, '256']]],
      [3, [[2, '514']]],
    ]);
    answers[300] = -1;
    await expect(verifyGolden({ ...golden(answers, 1), texts }, VALUE, score)).rejects.toMatchObject(
      mismatch(300),
    );
  });

  it('is content without rows', async () => {
    await verifyGolden(golden([], 1), VALUE, () => Promise.reject(new Error('asked for nothing')));
  });
});
