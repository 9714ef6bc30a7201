import { firstDifference, scoreAll } from './compare.ts';
import { TaskFault, toFault } from './fault.ts';
import type { Matrix, OpenTask, Rows } from './protocol.ts';
import { answerWidth } from './protocol.ts';
import type { Scorer } from './scorer.ts';
import { openFast, openWhole } from './scorer.ts';

/** A model version that a thread can score, on the chosen path. */
export interface OpenModel {
  readonly scorer: Scorer;
  /** Shared with the server process. */
  readonly cells: Matrix;
  readonly answers: Float64Array;
  /** Why the fast path was not taken. */
  readonly refusal?: string;
}

/** @throws {TaskFault} golden_mismatch naming the first row that differs */
function checkGolden({ golden, output }: OpenTask, answers: Float64Array): void {
  const row = firstDifference(output, answers, golden);
  if (row !== undefined) {
    throw new TaskFault(
      'golden_mismatch',
      `golden row ${row} is not answered as the training side answered it`,
    );
  }
}

/** Opens the fast path and scores the probes on it; returns a sentence where that fails. */
async function tryFast(task: OpenTask, reference: Float64Array): Promise<Scorer | string> {
  const { fast, output, probes } = task;
  if (!fast || !probes.fast) return 'there is none';
  try {
    const scorer = await openFast(fast, output);
    const answers = await scoreAll(scorer, probes.fast, answerWidth(output));
    // The golden rows too: the other threads compare nothing else.
    const row = firstDifference(output, answers, reference) ?? firstDifference(output, answers, task.golden);
    if (row === undefined) return scorer;
    await scorer.close();
    return `it answers row ${row} of the probes differently`;
  } catch (error) {
    return toFault(error, 'model_unreadable').detail;
  }
}

/**
 * Opens a model. The whole graph in ONNX Runtime must answer the golden rows as the training side did. A fast path that
 * then answers all probes (golden and edge rows) as the whole graph does replaces it. For a fast path alone, which
 * another thread has compared, the golden rows suffice.
 *
 * @throws {TaskFault}
 */
export async function openModel(task: OpenTask): Promise<OpenModel> {
  const { whole, fast, output, probes, cells } = task;
  const answers = new Float64Array(task.answers);
  const width = answerWidth(output);
  const fastCells = (): Matrix => new Float32Array(cells.fast as SharedArrayBuffer);
  /** Closes the scorer where the golden rows differ. */
  const verified = async (scorer: Scorer, rows: Rows): Promise<Float64Array> => {
    try {
      const got = await scoreAll(scorer, rows, width);
      checkGolden(task, got);
      return got;
    } catch (error) {
      await scorer.close();
      throw error;
    }
  };
  if (!whole) {
    const scorer = await openFast(fast as NonNullable<typeof fast>, output);
    await verified(scorer, probes.fast as Rows);
    return { scorer, cells: fastCells(), answers };
  }
  const reference = await openWhole(whole, output);
  const wanted = await verified(reference, probes.whole as Rows);
  const unchanged = { scorer: reference, cells: new Float64Array(cells.whole as SharedArrayBuffer), answers };
  if (!fast) return unchanged;
  const chosen = await tryFast(task, wanted);
  if (typeof chosen === 'string') return { ...unchanged, refusal: chosen };
  await reference.close();
  return { scorer: chosen, cells: fastCells(), answers };
}
