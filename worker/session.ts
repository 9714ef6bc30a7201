import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { TaskFault } from './fault.ts';
import { rejectHostileFile } from './rejectHostileFile.ts';
import { OnnxRefused } from './onnx/onnxRefused.ts';
import { withoutZipMap } from './onnx/withoutZipMap.ts';
import type { WholeGraph } from './protocol.ts';
import type { OutputValue } from './answers.ts';
import type { TensorInfo, TensorValue } from './tensors.ts';

/** One ONNX session: tensors in, tensors out. */
export interface Session {
  readonly inputs: readonly TensorInfo[];
  readonly outputs: readonly TensorInfo[];
  run(
    feeds: Readonly<Record<string, TensorValue>>,
    fetches: readonly string[],
  ): Promise<Record<string, OutputValue>>;
  close(): Promise<void>;
}

/** One thread a session instead of one for each core: the pool's threads are the parallelism. */
const OPTIONS: InferenceSession.SessionOptions = {
  executionProviders: ['cpu'],
  intraOpNumThreads: 1,
  interOpNumThreads: 1,
  executionMode: 'sequential',
  graphOptimizationLevel: 'all',
  logSeverityLevel: 4,
};

const toInfo = (metadata: InferenceSession.ValueMetadata): TensorInfo =>
  metadata.isTensor
    ? { name: metadata.name, type: metadata.type, rank: metadata.shape.length }
    : { name: metadata.name, type: 'not a tensor', rank: 0 };

/** A file, and its digest where that is known. */
type ModelFile = Pick<WholeGraph, 'path' | 'sha256'>;

/** The graph as it is run. What can't be read is left to ONNX Runtime, which says why. */
function runnable(bytes: Uint8Array): Uint8Array {
  try {
    return withoutZipMap(bytes);
  } catch (error) {
    if (!(error instanceof OnnxRefused)) throw error;
    return bytes;
  }
}

/** @throws {TaskFault} model_unreadable */
export async function openGraph(bytes: Uint8Array): Promise<Session> {
  const session = await InferenceSession.create(runnable(bytes), OPTIONS).catch((error: unknown) => {
    throw new TaskFault('model_unreadable', `ONNX Runtime refuses it: ${firstLine(error)}`);
  });
  return {
    inputs: session.inputMetadata.map(toInfo),
    outputs: session.outputMetadata.map(toInfo),
    run: async (feeds, fetches) => {
      const tensors: Record<string, Tensor> = {};
      for (const [name, { type, data, dims }] of Object.entries(feeds)) {
        tensors[name] = new Tensor(type as 'float32', data as Float32Array, dims);
      }
      return session.run(tensors, fetches);
    },
    close: () => session.release(),
  };
}

/**
 * Opens a session on the same bytes whose digest was compared.
 *
 * @throws {TaskFault} model_unreadable or checksum_mismatch
 */
export async function openSession({ path, sha256 }: ModelFile): Promise<Session> {
  const bytes = await readFile(path).catch((error: NodeJS.ErrnoException) => {
    throw new TaskFault('model_unreadable', `cannot be read (${error.code ?? 'unknown error'})`);
  });
  const digest = createHash('sha256').update(bytes).digest('hex');
  if (sha256 !== undefined && digest !== sha256) {
    throw new TaskFault('checksum_mismatch', `has sha256 ${digest}, its signature says ${sha256}`);
  }
  rejectHostileFile(bytes);
  return openGraph(bytes);
}

function firstLine(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).split('\n', 1)[0] ?? '';
}
