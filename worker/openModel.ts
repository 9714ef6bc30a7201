import { firstDifference, scoreAll } from './compare.ts';
import { TaskFault, toFault } from './fault.ts';
import { textsOf } from './portions.ts';
import type { Batched, Matrix, OpenTask, Rows } from './protocol.ts';
import { answerWidth } from './protocol.ts';
import { probeBatching } from './rowIndependence.ts';
import type { Scorer, WholeScorer } from './scorer.ts';
import { openFast, openWhole } from './scorer.ts';

/** A model version that a thread can score, on the chosen path. */
export interface OpenModel {
  readonly scorer: Scorer;
  /** Shared with the server process. */
  readonly cells: Matrix;
  readonly answers: Float64Array;
  /** Numbers in a row of answers. */
  readonly width: number;
  /** A row that was answered when the model was opened: where it fails later, no caller's value is the cause. */
  readonly known: Rows;
  readonly batching: Batched;
  /** Why the fast path was not taken. */
  readonly refusal?: string;
}

const firstOf = ({ rows, cells, texts }: Rows): Rows => ({
  rows: Math.min(1, rows),
  cells: cells.slice(0, rows === 0 ? 0 : cells.length / rows),
  texts: textsOf(texts, 0, 1),
});

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

/** Without golden rows, a row that was made up has to succeed: the server tests itself with it. */
const exampleFault = (error: unknown): TaskFault =>
  new TaskFault(
    'model_unreadable',
    `it fails on a made-up row (${toFault(error, 'run_failed').detail}); give its columns an "example" in model.json that it takes, or add a golden.json`,
  );

/** Rows that the shared memory has room for. */
const mostRowsOf = ({ answers, output }: OpenTask): number =>
  answers.byteLength / Float64Array.BYTES_PER_ELEMENT / answerWidth(output);

/** Opens the fast path and scores the probes on it; returns a sentence where that fails. */
async function tryFast(
  task: OpenTask,
  reference: Float64Array,
  { batching }: Batched,
): Promise<Scorer | string> {
  const { fast, output, probes } = task;
  if (!fast || !probes.fast) return 'there is none';
  // A forest scores each row by itself, even if the graph does not; the rest of a graph may not.
  if (batching === 'row' && fast.rest.kind === 'graph') return 'its rows are run one by one';
  try {
    const scorer = await openFast(fast, output, mostRowsOf(task));
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
 * A forest that answers the probes as the graph does in one run needs no more: by itself it scores each row alone, so
 * that rows which depend on their batch would differ.
 */
async function trySoon(task: OpenTask, whole: WholeScorer): Promise<Scorer | undefined> {
  if (!task.fast || task.fast.rest.kind === 'graph') return undefined;
  try {
    const wanted = await scoreAll(whole, task.probes.whole as Rows, answerWidth(task.output));
    const chosen = await tryFast(task, wanted, { batching: 'batch' });
    return typeof chosen === 'string' ? undefined : chosen;
  } catch {
    return undefined;
  }
}

/** How the whole graph is run: as it was decided, else as its rows' answers require. @throws {TaskFault} unstable */
export async function batchingOf(
  { batched, mixed, probes, output }: Pick<OpenTask, 'batched' | 'mixed' | 'probes' | 'output'>,
  whole: WholeScorer,
): Promise<Batched> {
  if (batched?.decided) return batched.how;
  return probeBatching(whole, mixed ?? (probes.whole as Rows), output, batched?.how);
}

/**
 * Opens a model. The whole graph in ONNX Runtime must give a row the same answer each time, and the golden rows those of
 * the training side; where a row's answer depends on the others of its batch, each row is run by itself. A fast path that
 * answers all probes (golden and edge rows) as the whole graph does replaces it. For a fast path alone, which another
 * process has compared, the golden rows suffice.
 *
 * @throws {TaskFault}
 */
export async function openModel(task: OpenTask): Promise<OpenModel> {
  const { whole, fast, output, probes, cells } = task;
  const answers = new Float64Array(task.answers);
  const width = answerWidth(output);
  /** Closes the scorer where the golden rows differ. */
  const verified = async (scorer: Scorer, rows: Rows): Promise<Float64Array> => {
    try {
      const got = await scoreAll(scorer, rows, width);
      checkGolden(task, got);
      return got;
    } catch (error) {
      await scorer.close();
      throw task.golden.length > 0 || error instanceof TaskFault ? error : exampleFault(error);
    }
  };
  const onFast = (scorer: Scorer): OpenModel => ({
    scorer,
    cells: new Float32Array(cells.fast as SharedArrayBuffer),
    answers,
    width,
    known: firstOf(probes.fast as Rows),
    batching: task.batched?.how ?? { batching: 'batch' },
  });
  if (!whole) {
    const scorer = await openFast(fast as NonNullable<typeof fast>, output, mostRowsOf(task));
    await verified(scorer, probes.fast as Rows);
    return onFast(scorer);
  }
  const session = await openWhole(whole, output);
  const soon = await trySoon(task, session);
  if (soon) {
    await session.close();
    return onFast(soon);
  }
  const batching = await batchingOf(task, session).catch(async (error: unknown) => {
    await session.close();
    throw error;
  });
  const reference = batching.batching === 'row' ? session.alone : session;
  const wanted = await verified(reference, probes.whole as Rows);
  const unchanged: OpenModel = {
    scorer: reference,
    cells: new Float64Array(cells.whole as SharedArrayBuffer),
    answers,
    width,
    known: firstOf(probes.whole as Rows),
    batching,
  };
  if (!fast) return unchanged;
  const chosen = await tryFast(task, wanted, batching);
  if (typeof chosen === 'string') return { ...unchanged, refusal: chosen };
  await reference.close();
  return onFast(chosen);
}
