import { TaskFault } from './fault.ts';
import { scoreAll } from './compare.ts';
import type { OpenModel } from './openModel.ts';
import type { RunTask } from './protocol.ts';
import { textsOf } from './portions.ts';

/** Parts of a failed run: of 256 rows, one that fails costs 32 more runs, and rows that all fail cost 272. */
const PARTS = 16;

/**
 * Scores the rows of a failed run in smaller ones, so that a row whose values the graph doesn't take costs no other row
 * its answer.
 *
 * @param error of the failed run
 * @returns the rows that fail by themselves; the others are answered
 * @throws the error when rows that were answered at load fail too; TaskFault run_failed when the time is over
 */
export async function findFailedRows(
  { scorer, cells, answers, known, width, batching: { batching } }: OpenModel,
  { rows, texts, retryMs }: RunTask,
  error: unknown,
): Promise<number[]> {
  if (retryMs <= 0 || rows < 1) throw error;
  try {
    await scoreAll(scorer, known, width);
  } catch {
    throw error;
  }
  const giveUp = performance.now() + retryMs;
  const columns = known.cells.length;
  const failed: number[] = [];
  const divide = async (from: number, count: number): Promise<void> => {
    const part = batching === 'row' ? 1 : Math.ceil(count / PARTS);
    for (let at = from; at < from + count; at += part) await score(at, Math.min(part, from + count - at));
  };
  const score = async (from: number, count: number): Promise<void> => {
    if (performance.now() > giveUp)
      throw new TaskFault('run_failed', 'a batch failed, and its rows could not be tried in time');
    const own = cells.subarray(from * columns, (from + count) * columns);
    const target = answers.subarray(from * width, (from + count) * width);
    try {
      await scorer.score(own, textsOf(texts, from, count), count, target);
    } catch {
      if (count > 1) return divide(from, count);
      failed.push(from);
    }
  };
  if (rows === 1) return [0];
  await divide(0, rows);
  return failed;
}
