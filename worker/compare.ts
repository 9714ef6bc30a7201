import type { OutputFeed, Rows } from './protocol.ts';
import { MAX_BATCH_ROWS, answerWidth } from './protocol.ts';
import type { Scorer } from './scorer.ts';

/** Largest accepted difference of a probability: the order of float32 sums differs between libraries. */
export const PROBABILITY_TOLERANCE = 1e-6;
/** Largest accepted difference of a regression value, relative to its size: float32 sums differ by about 1.5e-6. */
export const VALUE_TOLERANCE = 1e-5;

function same(output: OutputFeed, k: number, got: number, wanted: number): boolean {
  // NaN is a valid answer: both must give it.
  if (Number.isNaN(wanted) || Number.isNaN(got)) return Number.isNaN(wanted) && Number.isNaN(got);
  if (got === wanted) return true;
  const isValue = (): boolean => Math.abs(got - wanted) <= VALUE_TOLERANCE * Math.max(1, Math.abs(wanted));
  const isProbability = (): boolean => Math.abs(got - wanted) <= PROBABILITY_TOLERANCE;
  switch (output.task) {
    case 'regression':
      return isValue();
    case 'classification':
      return k > 0 && isProbability();
    case 'several': {
      const value = output.values[k];
      if (value) return !value.classes && !value.integer && isValue();
      return output.scores?.name === 'probabilities' ? isProbability() : isValue();
    }
  }
}

/** The first row in which `got` differs from `wanted`: another label, or a score beyond the tolerance. */
export function firstDifference(
  output: OutputFeed,
  got: Float64Array,
  wanted: Float64Array,
): number | undefined {
  const width = answerWidth(output);
  const at = wanted.findIndex((value, index) => !same(output, index % width, got[index] as number, value));
  return at === -1 ? undefined : Math.floor(at / width);
}

/** The answers to any number of rows, [rows, answerWidth]. */
export async function scoreAll(
  scorer: Scorer,
  { rows, cells, texts }: Rows,
  width: number,
): Promise<Float64Array> {
  const answers = new Float64Array(rows * width);
  const columns = rows === 0 ? 0 : cells.length / rows;
  for (let from = 0; from < rows; from += MAX_BATCH_ROWS) {
    const count = Math.min(MAX_BATCH_ROWS, rows - from);
    const own = texts
      .filter(({ row }) => row >= from && row < from + count)
      .map((cell) => ({ ...cell, row: cell.row - from }));
    const part = cells.subarray(from * columns, (from + count) * columns);
    await scorer.score(part, own, count, answers.subarray(from * width, (from + count) * width));
  }
  return answers;
}
