import { TaskFault } from './fault.ts';
import type { GoldenRows, OutputFeed, TextCell } from './protocol.ts';
import { MAX_BATCH_ROWS, answerWidth } from './protocol.ts';

/** Largest accepted difference of a probability from the training side's. */
const PROBABILITY_TOLERANCE = 1e-6;
/** Largest accepted difference of a regression value, relative to its size: float32 sums differ by about 1.5e-6. */
const VALUE_TOLERANCE = 1e-5;

/** Scores [rows, columns] cells; the answers are valid until the next call. */
export type Score = (cells: Float64Array, texts: readonly TextCell[], rows: number) => Promise<Float64Array>;

function close(output: OutputFeed, k: number, got: number, wanted: number): boolean {
  if (output.task === 'regression')
    return Math.abs(got - wanted) <= VALUE_TOLERANCE * Math.max(1, Math.abs(wanted));
  return k === 0 ? got === wanted : Math.abs(got - wanted) <= PROBABILITY_TOLERANCE;
}

/**
 * Scores the golden rows and compares the answers with the training side's.
 *
 * @throws {TaskFault} golden_mismatch naming the first row that differs
 */
export async function verifyGolden(golden: GoldenRows, output: OutputFeed, score: Score): Promise<void> {
  const columns = golden.rows === 0 ? 0 : golden.cells.length / golden.rows;
  const width = answerWidth(output);
  for (let from = 0; from < golden.rows; from += MAX_BATCH_ROWS) {
    const rows = Math.min(MAX_BATCH_ROWS, golden.rows - from);
    const cells = golden.cells.subarray(from * columns, (from + rows) * columns);
    const texts = golden.texts
      .filter(({ row }) => row >= from && row < from + rows)
      .map((cell) => ({ ...cell, row: cell.row - from }));
    const answers = await score(cells, texts, rows);
    for (let at = 0; at < rows * width; at++) {
      const wanted = golden.answers[from * width + at] as number;
      if (!close(output, at % width, answers[at] as number, wanted)) {
        const row = from + Math.floor(at / width);
        throw new TaskFault(
          'golden_mismatch',
          `golden row ${row} is not answered as the training side answered it`,
        );
      }
    }
  }
}
