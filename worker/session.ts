import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { TaskFault } from './fault.ts';
import { OnnxRefused } from './onnx/onnxRefused.ts';
import { rejectHostileFile } from './onnx/rejectHostileFile.ts';
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

function toInfo(metadata: InferenceSession.ValueMetadata): TensorInfo {
  if (!metadata.isTensor) return { name: metadata.name, type: 'not a tensor', rank: 0 };
  const { name, type, shape } = metadata;
  const [first] = shape;
  // Some exporters write -1 for a free dimension.
  const fixed = typeof first === 'number' && first >= 0;
  return { name, type, rank: shape.length, ...(fixed && { fixedRows: first }) };
}

/** A file, and its digest where that is known. */
type ModelFile = Pick<WholeGraph, 'path' | 'sha256' | 'bytes'>;

/** ONNX Runtime takes no shared memory. */
const unshared = (bytes: Uint8Array): Uint8Array =>
  bytes.buffer instanceof SharedArrayBuffer ? new Uint8Array(bytes) : bytes;

/** The graph as it is run. @throws {TaskFault} model_unreadable */
function runnable(bytes: Uint8Array): Uint8Array {
  try {
    return withoutZipMap(bytes);
  } catch (error) {
    if (!(error instanceof OnnxRefused)) throw error;
    throw new TaskFault('model_unreadable', error.message);
  }
}

/** @throws {TaskFault} model_unreadable */
export async function openGraph(bytes: Uint8Array): Promise<Session> {
  const session = await InferenceSession.create(unshared(runnable(bytes)), OPTIONS).catch(
    (error: unknown) => {
      throw new TaskFault('model_unreadable', `ONNX Runtime refuses it: ${firstLine(error)}`);
    },
  );
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

/** Reads a file, and checks what a loading thread checks of the bytes that it hands on. @throws {TaskFault} */
async function readChecked({ path, sha256 }: ModelFile): Promise<Uint8Array> {
  const bytes = await readFile(path).catch((error: NodeJS.ErrnoException) => {
    throw new TaskFault('model_unreadable', `cannot be read (${error.code ?? 'unknown error'})`);
  });
  const digest = createHash('sha256').update(bytes).digest('hex');
  if (sha256 !== undefined && digest !== sha256) {
    throw new TaskFault('checksum_mismatch', `has sha256 ${digest}, its signature says ${sha256}`);
  }
  try {
    rejectHostileFile(bytes);
  } catch (error) {
    if (!(error instanceof OnnxRefused)) throw error;
    throw new TaskFault('model_unreadable', error.message);
  }
  return bytes;
}

/**
 * Opens a session on the same bytes whose digest was compared.
 *
 * @throws {TaskFault} model_unreadable or checksum_mismatch
 */
export const openSession = async (file: ModelFile): Promise<Session> =>
  openGraph(file.bytes ?? (await readChecked(file)));

function firstLine(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).split('\n', 1)[0] ?? '';
}
