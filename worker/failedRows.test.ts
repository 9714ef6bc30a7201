import { describe, expect, it } from 'vitest';
import { findFailedRows } from './failedRows.ts';
import type { OpenModel } from './openModel.ts';
import type { Batching, RunTask } from './protocol.ts';

/** A model that doubles its one cell, and fails on a run in which `fails` says so. */
function makeModel(fails: (cells: readonly number[]) => boolean, batching: Batching = 'batch') {
  const runs: number[][] = [];
  const model: OpenModel = {
    scorer: {
      score: (cells, texts, rows, answers) => {
        const own = [...cells.subarray(0, rows)];
        runs.push(own);
        expect(texts.every(({ row, text }) => Number(text) === own[row])).toBe(true);
        if (fails(own)) throw new Error('it fails');
        own.forEach((cell, row) => (answers[row] = 2 * cell));
      },
      close: () => Promise.resolve(),
    },
    cells: Float64Array.from({ length: 256 }, (_, row) => row),
    answers: new Float64Array(256),
    width: 1,
    known: { rows: 1, cells: Float64Array.of(1000), texts: [] },
    batching: { batching },
  };
  return { model, runs };
}

const task = (rows: number, retryMs = 10_000): RunTask => ({
  kind: 'run',
  model: 'm',
  rows,
  texts: Array.from({ length: rows }, (_, row) => ({ row, column: 0, text: String(row) })),
  retryMs,
});
const ERROR = new Error('the batch fails');

describe('the rows of a failed run', () => {
  it.each<Batching>(['batch', 'row'])(
    'are tried, and those that fail by themselves are found (%s)',
    async (how) => {
      const { model, runs } = makeModel((cells) => cells.includes(7) || cells.includes(255), how);
      expect(await findFailedRows(model, task(256), ERROR)).toEqual([7, 255]);
      expect([...model.answers.subarray(0, 10)]).toEqual([0, 2, 4, 6, 8, 10, 12, 0, 16, 18]);
      expect(runs.length).toBeLessThanOrEqual(how === 'row' ? 257 : 49);
    },
  );

  it('all succeed in smaller runs, if there were too many', async () => {
    const { model } = makeModel((cells) => cells.length > 20);
    expect(await findFailedRows(model, task(256), ERROR)).toEqual([]);
    expect(model.answers[255]).toBe(510);
  });

  it('are not the cause where a row fails that was answered before', async () => {
    const { model, runs } = makeModel(() => true);
    await expect(findFailedRows(model, task(256), ERROR)).rejects.toBe(ERROR);
    expect(runs).toEqual([[1000]]);
  });

  it('are tried no longer than the time for it, and not at all without one', async () => {
    const { model, runs } = makeModel((cells) => {
      const until = performance.now() + 5;
      while (performance.now() < until);
      return cells[0] !== 1000;
    });
    await expect(findFailedRows(model, task(256, 20), ERROR)).rejects.toThrow('could not be tried in time');
    expect(runs.length).toBeLessThan(10);
    await expect(findFailedRows(model, task(256, 0), ERROR)).rejects.toBe(ERROR);
  });
});
