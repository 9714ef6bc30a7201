import type { Matrix, Rows } from '../../worker/protocol.ts';
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

const shareFloats = (values: Float64Array): Float64Array => {
  const shared = new Float64Array(new SharedArrayBuffer(values.byteLength));
  shared.set(values);
  return shared;
};

const shareMatrix = (cells: Matrix): Matrix => {
  if (cells instanceof Float64Array) return shareFloats(cells);
  const shared = new Float32Array(new SharedArrayBuffer(cells.byteLength));
  shared.set(cells);
  return shared;
};

const shareRows = ({ rows, cells, texts }: Rows): Rows => ({ rows, cells: shareMatrix(cells), texts });

const shareGolden = ({ answers, table, ...rows }: GoldenRows): GoldenRows => ({
  ...shareRows(rows),
  answers: shareFloats(answers),
  table: {
    columns: table.columns,
    data: table.data.slice(0, MAX_TABLE_ROWS),
    predictions: table.predictions.slice(0, MAX_TABLE_ROWS),
  },
});

function shareBytes(bytes: Uint8Array): Uint8Array {
  const shared = new Uint8Array(new SharedArrayBuffer(bytes.byteLength));
  shared.set(bytes);
  return shared;
}

function shareFound({ path, probes, ...found }: FoundPath): FoundPath {
  const { rest } = path;
  return {
    ...found,
    path: rest.kind === 'graph' ? { ...path, rest: { ...rest, bytes: shareBytes(rest.bytes) } } : path,
    probes: { whole: shareRows(probes.whole), fast: shareRows(probes.fast) },
  };
}

/** What a thread that opens the file by its path would find. @throws {ModelRefused} */
function checkFile({ id, signature }: Model, { bytes, sha256 }: OnnxFile): void {
  if (signature.sha256 !== undefined && signature.sha256 !== sha256) {
    throw new ModelRefused(
      id,
      `has sha256 ${sha256}, its signature says ${signature.sha256} (checksum_mismatch)`,
    );
  }
  try {
    rejectHostileFile(bytes);
  } catch (error) {
    if (!(error instanceof OnnxRefused)) throw error;
    throw new ModelRefused(id, `${error.message} (model_unreadable)`);
  }
}

/**
 * The file's content for the threads that open the graph. Behind a fast path only the one that compares it does so, and
 * gets the buffer itself: shared memory would stay until the process happens to collect garbage.
 */
function contentFor(found: FoundPath | string | undefined, bytes: Uint8Array, trusted: boolean) {
  if (typeof found !== 'object') return shareBytes(bytes);
  return trusted ? undefined : bytes;
}

/** Reads, digests, checks and compiles a version, once. @throws {ModelRefused} */
export async function loadVersion({
  candidate,
  compile,
  trusted,
  maxModelBytes,
}: LoadTask): Promise<LoadedVersion> {
  const { model, readOnnx } = await readModelVersion(candidate, maxModelBytes);
  const onnx = await readOnnx();
  if (onnx) checkFile(model, onnx);
  const found = onnx && compile ? findPath(model, onnx.bytes) : undefined;
  return {
    path: model.path,
    signature: model.signature,
    golden: model.golden && shareGolden(model.golden),
    probes: shareRows(model.probes),
    mixed: model.mixed && shareRows(model.mixed),
    found: typeof found === 'object' ? shareFound(found) : found,
    onnx: onnx && contentFor(found, onnx.bytes, trusted),
  };
}
