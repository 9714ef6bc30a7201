import { TaskFault } from './fault.ts';
import type { Matrix, TextCell } from './protocol.ts';
import type { Scorer } from './scorer.ts';
import type { TensorInfo } from './tensors.ts';

/** The largest batch size that a graph may fix: each run fills as many rows, however few are asked. */
const MAX_FIXED_ROWS = 4096;

/**
 * The batch size that the graph's inputs fix; undefined where a run takes any number of rows.
 *
 * @throws {TaskFault} signature_mismatch when inputs fix different sizes, or an impossible one
 */
export function fixedBatch(inputs: readonly TensorInfo[]): number | undefined {
  const fixed = inputs.filter(({ fixedRows }) => fixedRows !== undefined);
  const [first] = fixed;
  const size = first?.fixedRows;
  if (first === undefined || size === undefined) return undefined;
  const other = fixed.find(({ fixedRows }) => fixedRows !== size);
  if (other) {
    throw new TaskFault(
      'signature_mismatch',
      `input ${first.name} takes ${size} rows a run and input ${other.name} takes ${other.fixedRows}; export it with one batch size, or with a free one`,
    );
  }
  if (size < 1 || size > MAX_FIXED_ROWS) {
    throw new TaskFault(
      'signature_mismatch',
      `input ${first.name} takes ${size} rows a run; a fixed batch size may be 1 to ${MAX_FIXED_ROWS}`,
    );
  }
  return size;
}

/** The texts of some rows, numbered from 0. */
export const textsOf = (texts: readonly TextCell[], from: number, rows: number): TextCell[] =>
  texts
    .filter(({ row }) => row >= from && row < from + rows)
    .map((cell) => ({ ...cell, row: cell.row - from }));

/** How rows are portioned. */
export interface Portions {
  /** Rows that a run answers at most. */
  readonly take: number;
  /** Rows that each run has: a smaller portion is padded with copies of its last row, whose answers are dropped. */
  readonly size: number;
  /** Cells of a row, and numbers of its answer. */
  readonly columns: number;
  readonly width: number;
}

/** Scores any number of rows on a scorer of `size` rows a run. */
export function inPortions(scorer: Scorer, { take, size, columns, width }: Portions): Scorer {
  const pad = (part: Matrix, texts: readonly TextCell[], rows: number): [Matrix, TextCell[]] => {
    const cells = part.slice(0, rows * columns);
    const padded = new (cells.constructor as Float64ArrayConstructor)(size * columns);
    padded.set(cells);
    const last = padded.slice((rows - 1) * columns, rows * columns);
    const lastTexts = texts.filter(({ row }) => row === rows - 1);
    const all = [...texts];
    for (let row = rows; row < size; row++) {
      padded.set(last, row * columns);
      for (const cell of lastTexts) all.push({ ...cell, row });
    }
    return [padded, all];
  };
  return {
    score: async (cells, texts, rows, answers) => {
      for (let from = 0; from < rows; from += take) {
        const count = Math.min(take, rows - from);
        const part = cells.subarray(from * columns, (from + count) * columns);
        const own = texts.length === 0 ? texts : textsOf(texts, from, count);
        const target = answers.subarray(from * width, (from + count) * width);
        if (count === size) {
          await scorer.score(part, own, size, target);
          continue;
        }
        const [padded, all] = pad(part, own, count);
        const scores = new Float64Array(size * width);
        await scorer.score(padded, all, size, scores);
        target.set(scores.subarray(0, count * width));
      }
    },
    close: () => scorer.close(),
  };
}
