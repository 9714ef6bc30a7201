import { createForest } from './forest/forest.ts';
import { TaskFault } from './fault.ts';
import { createAnswerReader } from './answers.ts';
import type { FastPath, Matrix, OutputFeed, TextCell, WholeGraph } from './protocol.ts';
import { MAX_BATCH_ROWS, answerWidth, fetchedOutputs } from './protocol.ts';
import { fixedBatch, inPortions } from './portions.ts';
import type { Session } from './session.ts';
import type { MakeFeeds } from './tensors.ts';
import { createFeedMaker } from './tensors.ts';

/** Scores rows on one path: the whole graph, or the rest behind lifted encoders. */
export interface Scorer {
  /**
   * Scores at most as many rows as it was opened for.
   *
   * @param cells [rows, width], as the path takes them
   * @param answers [rows, answerWidth]
   */
  score(cells: Matrix, texts: readonly TextCell[], rows: number, answers: Float64Array): Promise<void> | void;
  /** Frees what a session holds outside of JavaScript's heap. */
  close(): Promise<void>;
}

/** The whole graph: rows share runs. */
export interface WholeScorer extends Scorer {
  /** The same session with one row a run. */
  readonly alone: Scorer;
}

function checkOutputs(session: Session, output: OutputFeed): readonly string[] {
  const names = fetchedOutputs(output);
  for (const name of names) {
    const found = session.outputs.find((candidate) => candidate.name === name);
    if (!found) throw new TaskFault('signature_mismatch', `the graph has no output ${name}`);
    if (found.type === 'not a tensor')
      throw new TaskFault('signature_mismatch', `output ${name} is not a tensor`);
  }
  return names;
}

type MakeTensors = (cells: Matrix, texts: readonly TextCell[], rows: number) => ReturnType<MakeFeeds>;

/** Scores with ONNX Runtime the tensors that `makeTensors` makes of the rows. */
function createSessionScorer(session: Session, output: OutputFeed, makeTensors: MakeTensors): Scorer {
  const readAnswers = createAnswerReader(output);
  const names = checkOutputs(session, output);
  return {
    score: async (cells, texts, rows, answers) => {
      readAnswers(await session.run(makeTensors(cells, texts, rows), names), answers, rows);
    },
    close: () => session.close(),
  };
}

/** Loaded at the first use: a thread that only runs compiled forests saves 0.1 s and 30 MB. */
const runtime = () => import('./session.ts');

/**
 * Opens the whole graph. Where it fixes a batch size, rows are run in portions of it.
 *
 * @throws {TaskFault} model_unreadable, checksum_mismatch or signature_mismatch
 */
export async function openWhole(whole: WholeGraph, output: OutputFeed): Promise<WholeScorer> {
  const { columns } = whole;
  const { openSession } = await runtime();
  const session = await openSession(whole);
  try {
    const makeFeeds = createFeedMaker(columns, session.inputs);
    const scorer = createSessionScorer(session, output, (cells, texts, rows) =>
      makeFeeds(cells as Float64Array, texts, rows),
    );
    const size = fixedBatch(session.inputs);
    const widths = { columns: columns.length, width: answerWidth(output) };
    return {
      ...(size === undefined ? scorer : inPortions(scorer, { take: size, size, ...widths })),
      // A fixed batch is filled with copies of the one row: in company of itself its answer depends on no other.
      alone: inPortions(scorer, { take: 1, size: size ?? 1, ...widths }),
    };
  } catch (error) {
    await session.close();
    throw error;
  }
}

/** @throws {TaskFault} model_unreadable or signature_mismatch */
export async function openFast(
  { features, rest }: FastPath,
  output: OutputFeed,
  mostRows = MAX_BATCH_ROWS,
): Promise<Scorer> {
  if (rest.kind === 'graph') {
    const { bytes, input } = rest;
    const { openGraph } = await runtime();
    return createSessionScorer(await openGraph(bytes), output, (cells, _, rows) => {
      // A copy: ONNX Runtime takes no shared memory.
      const data = (cells as Float32Array).slice(0, rows * features);
      return { [input]: { type: 'float32', data, dims: [rows, features] } };
    });
  }
  const forest = createForest(rest.forest, mostRows);
  return {
    score: (cells, _, rows, answers) => {
      forest.input.set((cells as Float32Array).subarray(0, rows * features));
      forest.score(rows, answers);
    },
    close: async () => {},
  };
}
