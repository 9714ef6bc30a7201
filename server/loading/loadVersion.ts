import type { Rows } from '../../worker/protocol.ts';
import { OnnxRefused } from '../../worker/onnx/onnxRefused.ts';
import { rejectHostileFile } from '../../worker/onnx/rejectHostileFile.ts';
import type { FoundPath, OnnxFile } from '../compiler/fastPath.ts';
import { findPath } from '../compiler/fastPath.ts';
import type { GoldenRows, Model } from '../model/model.ts';
import { ModelRefused } from '../model/refused.ts';
import type { LoadTask, LoadedVersion } from './messages.ts';
import { readModelVersion } from './readModelVersion.ts';

/** Golden rows that a process keeps as they stand in the file, for its self-test. */
const MAX_TABLE_ROWS = 1000;

/** A copy in memory that threads share. */
function share<T extends Float64Array | Float32Array | Uint8Array>(values: T): T {
  const shared = new (values.constructor as new (memory: SharedArrayBuffer) => T)(
    new SharedArrayBuffer(values.byteLength),
  );
  shared.set(values);
  return shared;
}

const shareRows = ({ rows, cells, texts }: Rows): Rows => ({ rows, cells: share(cells), texts });

const shareGolden = ({ answers, table, ...rows }: GoldenRows): GoldenRows => ({
  ...shareRows(rows),
  answers: share(answers),
  table: {
    columns: table.columns,
    data: table.data.slice(0, MAX_TABLE_ROWS),
    predictions: table.predictions.slice(0, MAX_TABLE_ROWS),
  },
});

function shareFound({ path, probes, ...found }: FoundPath): FoundPath {
  const { rest } = path;
  return {
    ...found,
    path: rest.kind === 'graph' ? { ...path, rest: { ...rest, bytes: share(rest.bytes) } } : path,
    probes: { whole: shareRows(probes.whole), fast: shareRows(probes.fast) },
  };
}

/** @throws {ModelRefused} as a thread that opens the file by its path */
function checkDigest({ id, signature }: Model, { sha256 }: OnnxFile): void {
  if (signature.sha256 === undefined || signature.sha256 === sha256) return;
  throw new ModelRefused(
    id,
    `has sha256 ${sha256}, its signature says ${signature.sha256} (checksum_mismatch)`,
  );
}

/** Of content that ONNX Runtime is to open. @throws {ModelRefused} */
function checkContent({ id }: Model, bytes: Uint8Array): void {
  try {
    rejectHostileFile(bytes);
  } catch (error) {
    if (!(error instanceof OnnxRefused)) throw error;
    throw new ModelRefused(id, `${error.message} (model_unreadable)`);
  }
}

/**
 * The file's content for those that open the graph: the threads, or where a fast path answers, who compares it.
 */
function contentFor(found: FoundPath | string | undefined, bytes: Uint8Array, compare: boolean) {
  if (typeof found !== 'object') return share(bytes);
  return compare ? bytes : undefined;
}

function searchPath(
  { compile, compare }: LoadTask,
  model: Model,
  { bytes }: OnnxFile,
): LoadedVersion['found'] {
  if (typeof compile === 'string') return compile;
  return compile ? findPath(model, bytes, compare) : undefined;
}

/** Reads, digests, checks and compiles a version, once. @throws {ModelRefused} */
export async function loadVersion(task: LoadTask): Promise<LoadedVersion> {
  const { model, readOnnx } = await readModelVersion(task.candidate, task.maxModelBytes);
  const onnx = await readOnnx();
  if (onnx) checkDigest(model, onnx);
  const found = onnx && searchPath(task, model, onnx);
  const content = onnx && contentFor(found, onnx.bytes, task.compare);
  if (content) checkContent(model, content);
  return {
    path: model.path,
    signature: model.signature,
    golden: model.golden && shareGolden(model.golden),
    probes: shareRows(model.probes),
    backgroundRows: model.backgroundRows ?? 0,
    mixed: model.mixed && shareRows(model.mixed),
    found: typeof found === 'object' ? shareFound(found) : found,
    onnx: content,
  };
}
