import { firstDifference, scoreAll } from './compare.ts';
import { TaskFault, toFault } from './fault.ts';
import type { Batched, Matrix, OutputFeed, Rows } from './protocol.ts';
import { answerWidth } from './protocol.ts';
import { textsOf } from './portions.ts';
import type { Scorer, WholeScorer } from './scorer.ts';

/** Rows of a probed batch at least: fewer are repeated. */
const MIN_ROWS = 16;

/** Rows that fail alone and are tried among others. */
const MAX_FAILING = 4;

const UNSTABLE =
  'a row gets another answer when it is scored again: the graph has random operators, or was exported in training mode (dropout); export it in evaluation mode';

/** Some of the rows of [rows, width], in this order. */
function pickRows(values: Matrix, order: readonly number[], width: number): Float64Array {
  const picked = new Float64Array(order.length * width);
  order.forEach((row, at) => picked.set(values.subarray(row * width, (row + 1) * width), at * width));
  return picked;
}

/** Some of the rows, in this order. */
function pick({ rows, cells, texts }: Rows, order: readonly number[]): Rows {
  const columns = rows === 0 ? 0 : cells.length / rows;
  const pickedTexts = order.flatMap((row, at) =>
    textsOf(texts, row, 1).map((cell) => ({ ...cell, row: at })),
  );
  return { rows: order.length, cells: pickRows(cells, order, columns), texts: pickedTexts };
}

/** Orders of a batch in which each row has other neighbours and another place: as given, backwards, every second first. */
function ordersOf(rows: number): number[][] {
  const given = Array.from({ length: Math.max(MIN_ROWS, rows) }, (_, at) => at % rows);
  const everySecond = [0, 1].flatMap((rest) => given.filter((_, at) => at % 2 === rest));
  return [given, given.toReversed(), everySecond];
}

/** What rows give by themselves. */
interface Alone {
  /** The rows that are answered, [answered, answerWidth], and some of the others: made-up rows may fail. */
  readonly answered: readonly number[];
  readonly answers: Float64Array;
  readonly failing: readonly number[];
}

async function scoreAlone(alone: Scorer, probe: Rows, width: number): Promise<Alone> {
  const answered: number[] = [];
  const failing: number[] = [];
  const answers = new Float64Array(probe.rows * width);
  for (let row = 0; row < probe.rows; row++) {
    try {
      answers.set(await scoreAll(alone, pick(probe, [row]), width), answered.length * width);
      answered.push(row);
    } catch {
      failing.push(row);
    }
  }
  return {
    answered,
    answers: answers.subarray(0, answered.length * width),
    failing: failing.slice(0, MAX_FAILING),
  };
}

/**
 * Decides whether rows may share a run: scores them alone, again, and among others at several places. Differences are
 * those of verification, and NaN equals NaN.
 *
 * @throws {TaskFault} unstable; signature_mismatch when an output doesn't hold one answer for each row
 */
export async function probeBatching(
  together: WholeScorer,
  probe: Rows,
  output: OutputFeed,
  demanded: Batched | undefined,
): Promise<Batched> {
  const width = answerWidth(output);
  const { alone } = together;
  const { answered, answers: wanted, failing } = await scoreAlone(alone, probe, width);
  // Verification reports why.
  if (answered.length === 0) return demanded ?? { batching: 'batch' };
  const rows = pick(probe, answered);
  const again = await scoreAll(alone, rows, width);
  if (firstDifference(output, again, wanted) !== undefined) throw new TaskFault('unstable', UNSTABLE);
  if (demanded) return demanded;
  for (const order of ordersOf(rows.rows)) {
    const reason = await differenceOf(together, pick(rows, order), pickRows(wanted, order, width), output);
    if (reason !== undefined) return { batching: 'row', batchingReason: reason };
  }
  for (const row of failing) {
    if (await succeeds(together, pick(probe, [...answered, row]), width))
      return { batching: 'row', batchingReason: 'a row that fails alone is answered among others' };
  }
  return { batching: 'batch' };
}

const succeeds = (scorer: Scorer, rows: Rows, width: number): Promise<boolean> =>
  scoreAll(scorer, rows, width).then(
    () => true,
    () => false,
  );

/** How a batch differs from its rows' answers alone, as a sentence. */
async function differenceOf(
  together: Scorer,
  rows: Rows,
  wanted: Float64Array,
  output: OutputFeed,
): Promise<string | undefined> {
  try {
    const got = await scoreAll(together, rows, answerWidth(output));
    return firstDifference(output, got, wanted) === undefined
      ? undefined
      : `a row among ${rows.rows} gets another answer than alone`;
  } catch (error) {
    const { code, detail } = toFault(error, 'run_failed');
    if (code === 'signature_mismatch') throw error;
    return `a run of ${rows.rows} rows fails, though each of them succeeds alone: ${detail}`;
  }
}
