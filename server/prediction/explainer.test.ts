import { describe, expect, it } from 'vitest';
import { Problem } from '../errors/problem.ts';
import type { Explained, Explanations } from '../inference/explanations.ts';
import type { EncodedRows } from '../model/rows.ts';
import { tinyModel } from '../testing/tinyModel.ts';
import { createExplainer } from './explainer.ts';

const ROWS = 70;
const WIDTH = 2;
const rows: EncodedRows = {
  rows: ROWS,
  cells: Float32Array.from({ length: ROWS * WIDTH }, (_, at) => at),
  texts: [{ row: 40, column: 1, text: 'x' }],
  warnings: [],
  warningsTotal: 0,
};
const of = { model: tinyModel(), requestId: 'r', signal: new AbortController().signal };

/** Explains as `explain` says; the contributions are the first cells of rows. */
function pieces(explain: (piece: EncodedRows, call: number) => void, mostRows = 1000, patienceMs = 1000) {
  const sizes: number[] = [];
  const texts: unknown[] = [];
  const taken: number[] = [];
  const shed: string[] = [];
  let calls = 0;
  const explanations: Explanations = {
    mostRows: () => mostRows,
    describe: () => ({ reason: '' }),
    backgroundOf: () => Promise.resolve(undefined),
    explain: async (_, piece) => {
      await Promise.resolve();
      explain(piece, calls++);
      sizes.push(piece.rows);
      texts.push(...piece.texts);
      return {
        contributions: Float64Array.from(
          { length: piece.rows },
          (_row, row) => piece.cells[row * WIDTH] as number,
        ),
      } as Explained;
    },
  };
  const explainer = createExplainer(explanations, { shed: (reason) => void shed.push(reason) }, patienceMs);
  const done = explainer.explainPiece(of, rows, ({ contributions }, first, last) => {
    expect(contributions).toHaveLength(last - first);
    taken.push(...contributions);
  });
  return { done, sizes, texts, taken, shed };
}
const all = Array.from({ length: ROWS }, (_, row) => row * WIDTH);

describe('the rows of a piece of a file', () => {
  it('are explained some at a time, in their order', async () => {
    const { done, sizes, texts, taken } = pieces(() => undefined);
    await done;
    expect(sizes).toEqual([32, 32, 6]);
    expect(taken).toEqual(all);
    expect(texts).toEqual([{ row: 8, column: 1, text: 'x' }]);
    const few = pieces(() => undefined, 20);
    await few.done;
    expect(few.sizes).toEqual([20, 20, 20, 10]);
  });

  it('are fewer at a time once they turn out to be slow', async () => {
    const { done, sizes, taken } = pieces((piece) => {
      if (piece.rows > 9) throw new Problem('too_many_rows');
    });
    await done;
    expect(Math.max(...sizes)).toBe(8);
    expect(taken).toEqual(all);
  });

  it('wait for room, and not for ever', async () => {
    const later = pieces((_, call) => {
      if (call < 2) throw new Problem('overloaded');
    });
    await later.done;
    expect([later.taken, later.shed]).toEqual([all, []]);
    const never = pieces(
      () => {
        throw new Problem('overloaded');
      },
      1000,
      0,
    );
    await expect(never.done).rejects.toMatchObject({ code: 'overloaded' });
    expect(never.shed).toEqual(['explanations']);
  });

  it('fail with any other error, and a row alone that is too much', async () => {
    for (const code of ['deadline_exceeded', 'too_many_rows'] as const)
      await expect(
        pieces(() => {
          throw new Problem(code);
        }).done,
      ).rejects.toMatchObject({ code });
  });
});
