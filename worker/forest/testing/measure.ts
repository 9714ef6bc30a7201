import { openSession } from '../../session.ts';
import type { CompiledForest } from '../compile.ts';
import { createForest } from '../forest.ts';

/** Time a row, in microseconds of the processor. */
export interface Speed {
  readonly rows: number;
  readonly onnxRuntime: number;
  readonly kernel: number;
  /** How many times as fast the kernel is. */
  readonly ratio: number;
}

/** What is compared: a forest, and a model of nothing but that forest. */
export interface Subject {
  readonly compiled: CompiledForest;
  /** Path of the ONNX file. */
  readonly path: string;
  /** Name of its input, and of the output that is fetched. */
  readonly input: string;
  readonly output: string;
  /** Real rows, [n, features]. */
  readonly matrix: Float32Array;
}

const ROUNDS = 31;
/** Rows of a round, at least: less is too short to be measured. */
const ROUND_ROWS = 128;

const median = (values: number[]): number => values.sort((a, b) => a - b)[values.length >> 1] as number;

/** The whole process: a session runs on a thread of its own. Busy neighbours change this least. */
function processorTime(): number {
  const { user, system } = process.cpuUsage();
  return user + system;
}

/** Compares the kernel with ONNX Runtime on ready matrices, in turns, for calls of so many rows. */
export async function measureForest(subject: Subject, sizes: readonly number[]): Promise<Speed[]> {
  const { compiled, input, output, matrix } = subject;
  const { features } = compiled;
  const all = matrix.length / features;
  const session = await openSession({ path: subject.path, sha256: undefined });
  const forest = createForest(compiled, Math.max(...sizes));
  const answers = new Float64Array(Math.max(...sizes) * (1 + compiled.outputs));

  const speeds: Speed[] = [];
  for (const rows of sizes) {
    const calls = Math.ceil(ROUND_ROWS / rows);
    const times = { onnxRuntime: [] as number[], kernel: [] as number[] };
    for (let round = 0; round < ROUNDS; round++) {
      // The same rows for both, and others in each round.
      const starts = Array.from(
        { length: calls },
        (_, call) => ((round * calls + call) * 7919) % (all - rows),
      );
      const slices = starts.map((from) => matrix.subarray(from * features, (from + rows) * features));
      const begin = processorTime();
      for (const data of slices) {
        await session.run({ [input]: { type: 'float32', data, dims: [rows, features] } }, [output]);
      }
      const middle = processorTime();
      for (const data of slices) {
        forest.input.set(data);
        forest.score(rows, answers);
      }
      times.onnxRuntime.push((middle - begin) / calls / rows);
      times.kernel.push((processorTime() - middle) / calls / rows);
    }
    const [onnxRuntime, kernel] = [median(times.onnxRuntime), median(times.kernel)];
    speeds.push({ rows, onnxRuntime, kernel, ratio: onnxRuntime / kernel });
  }
  return speeds;
}
