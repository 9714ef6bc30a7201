import { join } from 'node:path';
import type { Rows } from '../../worker/protocol.ts';
import type { Encoder } from '../model/rows.ts';
import { createEncoder } from '../encoding/encoder.ts';
import { withNarrowTensors } from '../compiler/narrowTensors.ts';
import { OnnxRefused } from '../../worker/onnx/onnxRefused.ts';
import { exampleRow } from '../model/exampleRow.ts';
import { withFile } from '../repository/versionFiles.ts';
import type { Background } from './background.ts';
import { encodeBackground } from './background.ts';
import { encodeGolden } from './goldenRows.ts';
import { mixedRows } from './mixedRows.ts';
import { inferSignature } from './inferSignature.ts';
import { withMlflowColumns } from './mlflowModel.ts';
import type { ReadOnnx } from './onnxFile.ts';
import { onnxReader } from './onnxFile.ts';
import type { Candidate } from '../repository/listing.ts';
import { keyOf } from '../repository/listing.ts';
import type { Model } from '../model/model.ts';
import { ModelRefused } from '../model/refused.ts';
import { readSignature } from './modelJson.ts';
import type { Golden, Signature } from '../model/signature.ts';
import { outputFeed } from '../model/signature.ts';

/** Reads a JSON file of a version's folder; undefined when there is none. */
async function readJson(candidate: Candidate, file: string): Promise<unknown> {
  const text = await withFile(candidate, file, (handle) => handle.readFile('utf8'));
  if (text === undefined) return undefined;
  try {
    return JSON.parse(text) as unknown;
  } catch {
    throw new ModelRefused(candidate.id, `${file} is not valid JSON`);
  }
}

/** The signature that the ONNX file implies, for a version without a model.json; an MLflow folder names the columns. */
async function infer(candidate: Candidate, readOnnx: ReadOnnx): Promise<Signature> {
  const { id } = candidate;
  const onnx = await readOnnx();
  if (!onnx) throw new ModelRefused(id, 'model.json is missing');
  const mlmodel = await withFile(candidate, 'MLmodel', (handle) => handle.readFile('utf8'));
  try {
    const inferred = { ...inferSignature(onnx.bytes), sha256: onnx.sha256 };
    return mlmodel === undefined ? inferred : withMlflowColumns(inferred, mlmodel);
  } catch (error) {
    if (!(error instanceof OnnxRefused)) throw error;
    throw new ModelRefused(id, `model.json is missing, and model.onnx doesn't do: ${error.message}`);
  }
}

/** Adds the file's SHA-256 when model.json has none: the prediction log needs it. */
async function withDigest(signature: Signature, readOnnx: ReadOnnx): Promise<Signature> {
  if (signature.sha256 !== undefined) return signature;
  const onnx = await readOnnx();
  return onnx ? { ...signature, sha256: onnx.sha256 } : signature;
}

/** Adds what only the file says about the columns. */
async function withTensors(signature: Signature, readOnnx: ReadOnnx): Promise<Signature> {
  // Without numbers there is nothing that a tensor would round or wrap unnoticed.
  if (!signature.inputs.some(({ type }) => type === 'integer' || type === 'number')) return signature;
  const onnx = await readOnnx();
  return onnx ? { ...signature, inputs: withNarrowTensors(signature.inputs, onnx.bytes) } : signature;
}

/** Only what a thread needs of rows. */
const toRows = ({ rows, cells, texts }: Rows): Rows => ({ rows, cells, texts });

const encodeExample = (signature: Signature, encoder: Encoder): Rows =>
  encoder.encode(
    signature.inputs.map(({ name }) => name),
    [exampleRow(signature)],
  );

/** A version as it was read. */
export interface ModelVersion {
  readonly model: Model;
  readonly readOnnx: ReadOnnx;
  /** The content of background.json, which was checked. */
  readonly background: Background | undefined;
}

/**
 * Reads a version: everything but the weights.
 *
 * @param maxModelBytes bytes that model.onnx may have
 * @throws {ModelRefused}
 */
export async function readModelVersion(candidate: Candidate, maxModelBytes?: number): Promise<ModelVersion> {
  const { name, version, id, folder } = candidate;
  const readOnnx = onnxReader(candidate, maxModelBytes);
  // A missing file is reported by the thread that opens it.
  const path = await withFile(candidate, 'model.onnx', (_, found) => Promise.resolve(found), maxModelBytes);
  const json = await readJson(candidate, 'model.json');
  const written =
    json === undefined
      ? await infer(candidate, readOnnx)
      : await withDigest(readSignature(id, json), readOnnx);
  const signature = await withTensors(written, readOnnx);
  const encoder = createEncoder(signature);
  const output = outputFeed(signature);
  const table = await readJson(candidate, 'golden.json');
  const golden =
    table === undefined ? undefined : encodeGolden(id, table as Golden, encoder, output, signature.inputs);
  const background = await readJson(candidate, 'background.json');
  const model: Model = {
    name,
    version,
    id,
    key: keyOf(candidate),
    path: path ?? join(folder, 'model.onnx'),
    signature,
    encoder,
    output,
    engine: { engine: 'onnxruntime', path: 'whole' },
    golden,
    probes: toRows(golden ?? encodeExample(signature, encoder)),
    backgroundRows: background === undefined ? 0 : encodeBackground(id, background, encoder).rows,
    mixed: toRows(mixedRows(signature, encoder, golden?.table)),
  };
  return { model, readOnnx, background: background as Background | undefined };
}
