import { describe, expect, it } from 'vitest';
import type { OutputFeed, Rows } from './protocol.ts';
import { probeBatching } from './rowIndependence.ts';
import type { Scorer } from './scorer.ts';

const VALUE: OutputFeed = { task: 'regression', value: 'y' };

/** Rows of one cell. */
const rowsOf = (...cells: number[]): Rows => ({
  rows: cells.length,
  cells: Float64Array.from(cells),
  texts: [],
});

/** A session whose answers come from a function of a run's rows. */
function session(answer: (cells: readonly number[]) => readonly number[]) {
  const runs: number[] = [];
  const scorer = (take: (rows: number) => number): Scorer => ({
    score: (cells, _, rows, answers) => {
      for (let from = 0; from < rows; from += take(rows)) {
        const part = [...cells.subarray(from, from + take(rows))];
        runs.push(part.length);
        answers.set(answer(part), from);
      }
    },
    close: () => Promise.resolve(),
  });
  return { runs, whole: { ...scorer((rows) => rows), alone: scorer(() => 1) } };
}

describe('the probe of row independence', () => {
  it('scores at least 16 rows together, however few there are', async () => {
    const { runs, whole } = session((cells) => cells.map((cell) => (cells.length > 12 ? 0 : cell)));
    expect(await probeBatching(whole, rowsOf(1, 2), VALUE, undefined)).toMatchObject({ batching: 'row' });
    expect(Math.max(...runs)).toBe(16);
  });

  it('finds what depends on the place in a batch, or on a neighbour', async () => {
    const place = session((cells) => cells.map((cell, at) => (at > 8 ? 0 : cell)));
    const neighbour = session((cells) => cells.map((cell, at) => (cells[at - 1] === 5 ? 0 : cell)));
    const rows = rowsOf(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18);
    for (const { whole } of [place, neighbour])
      expect(await probeBatching(whole, rows, VALUE, undefined)).toMatchObject({ batching: 'row' });
  });

  it('takes no difference within the tolerance of verification for a dependence, and NaN for NaN', async () => {
    const { whole } = session((cells) =>
      cells.map((cell) => (cell < 0 ? NaN : cell * (1 + cells.length * 1e-8))),
    );
    expect(await probeBatching(whole, rowsOf(1, -2, 1e9), VALUE, undefined)).toEqual({ batching: 'batch' });
  });

  it('refuses a model whose answers change, even if it is to run each row by itself', async () => {
    let asked = 0;
    const { whole } = session((cells) => cells.map((cell) => cell + asked++ / 100));
    const demanded = { batching: 'row', batchingReason: 'as the test wants' } as const;
    await expect(probeBatching(whole, rowsOf(1, 2), VALUE, demanded)).rejects.toMatchObject({
      code: 'unstable',
    });
  });
});
