import { openGraph } from '../../session.ts';
import type { CompiledForest } from '../compileForest.ts';
import { createForest } from '../forest.ts';

/** Two ways to answer the same rows: microseconds of processor time a row, one entry a round. */
export interface Pair {
  readonly rows: number;
  readonly onnxRuntime: readonly number[];
  readonly ours: readonly number[];
}

/** Answers `rows` rows of the measured table, from row `from` on. */
type Work = (from: number, rows: number) => Promise<unknown> | void;

const ROUNDS = 31;
/** Rows of a round, at least: less is too short to be measured. */
const ROUND_ROWS = 128;

/** The whole process: a session runs on a thread of its own. Busy neighbours change this least. */
function processorTime(): number {
  const { user, system } = process.cpuUsage();
  return user + system;
}

/**
 * Lets two ways answer the same rows in turns, and other rows in each round.
 *
 * @param tableRows how many rows there are to choose from
 */
export async function measurePair(
  rows: number,
  tableRows: number,
  ways: { readonly onnxRuntime: Work; readonly ours: Work },
): Promise<Pair> {
  const calls = Math.ceil(ROUND_ROWS / rows);
  const timed = async (work: Work, starts: readonly number[]): Promise<number> => {
    const begin = processorTime();
    for (const from of starts) await work(from, rows);
    return (processorTime() - begin) / calls / rows;
  };
  const onnxRuntime: number[] = [];
  const ours: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const starts = Array.from(
      { length: calls },
      (_, call) => ((round * calls + call) * 7919) % (tableRows - rows),
    );
    onnxRuntime.push(await timed(ways.onnxRuntime, starts));
    ours.push(await timed(ways.ours, starts));
  }
  return { rows, onnxRuntime, ours };
}

/** A forest, and a model of nothing but that forest. */
export interface Subject {
  readonly compiled: CompiledForest;
  /** The ONNX model. */
  readonly bytes: Uint8Array;
  /** Name of its input, and of the output that is fetched. */
  readonly input: string;
  readonly output: string;
  /** Real rows, [n, features]. */
  readonly matrix: Float32Array;
}

/** Compares the kernel with ONNX Runtime on ready matrices, for calls of this many rows. */
export async function measureForest(subject: Subject, sizes: readonly number[]): Promise<Pair[]> {
  const { compiled, input, output, matrix } = subject;
  const { features } = compiled;
  const session = await openGraph(subject.bytes);
  const forest = createForest(compiled, Math.max(...sizes));
  const answers = new Float64Array(Math.max(...sizes) * (1 + compiled.outputs));
  const slice = (from: number, rows: number): Float32Array =>
    matrix.subarray(from * features, (from + rows) * features);
  const pairs: Pair[] = [];
  for (const size of sizes) {
    pairs.push(
      await measurePair(size, matrix.length / features, {
        onnxRuntime: (from, rows) =>
          session.run({ [input]: { type: 'float32', data: slice(from, rows), dims: [rows, features] } }, [
            output,
          ]),
        ours: (from, rows) => {
          forest.input.set(slice(from, rows));
          forest.score(rows, answers);
        },
      }),
    );
  }
  await session.close();
  return pairs;
}
