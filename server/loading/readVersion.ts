import { createHash } from 'node:crypto';
import { join } from 'node:path';
import type { Rows } from '../../worker/protocol.ts';
import type { Encoder } from '../model/rows.ts';
import { createEncoder } from '../encoding/encoder.ts';
import { OnnxRefused } from '../../worker/onnx/onnxRefused.ts';
import { exampleRow } from '../model/exampleRow.ts';
import { withFile } from '../repository/versionFiles.ts';
import { encodeGolden } from './goldenRows.ts';
import { inferSignature } from './inferSignature.ts';
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

/** What the ONNX file says, where nobody wrote a model.json. */
async function infer(candidate: Candidate): Promise<Signature> {
  const signature = await withFile(candidate, 'model.onnx', async (handle) => {
    try {
      return inferSignature(await handle.readFile());
    } catch (error) {
      if (!(error instanceof OnnxRefused)) throw error;
      throw new ModelRefused(
        candidate.id,
        `model.json is missing, and model.onnx doesn't do: ${error.message}`,
      );
    }
  });
  if (!signature) throw new ModelRefused(candidate.id, 'model.json is missing');
  return signature;
}

/** The signature with the digest of the file, where nobody wrote it down: what was answered by must be known. */
async function withDigest(candidate: Candidate, signature: Signature): Promise<Signature> {
  if (signature.sha256 !== undefined) return signature;
  const sha256 = await withFile(candidate, 'model.onnx', async (handle) =>
    createHash('sha256')
      .update(await handle.readFile())
      .digest('hex'),
  );
  return sha256 === undefined ? signature : { ...signature, sha256 };
}

/** What a thread needs of rows. */
const toRows = ({ rows, cells, texts }: Rows): Rows => ({ rows, cells, texts });

const encodeExample = (signature: Signature, encoder: Encoder): Rows =>
  encoder.encode(
    signature.inputs.map(({ name }) => name),
    [exampleRow(signature)],
  );

/**
 * Reads a version: everything but the weights.
 *
 * @throws {ModelRefused}
 */
export async function readVersion(candidate: Candidate): Promise<Model> {
  const { name, version, id, folder } = candidate;
  // A missing one is reported by the thread that opens it.
  const path = await withFile(candidate, 'model.onnx', (_, found) => Promise.resolve(found));
  const json = await readJson(candidate, 'model.json');
  const signature =
    json === undefined ? await infer(candidate) : await withDigest(candidate, readSignature(id, json));
  const encoder = createEncoder(signature);
  const output = outputFeed(signature);
  const table = await readJson(candidate, 'golden.json');
  const golden = table === undefined ? undefined : encodeGolden(id, table as Golden, encoder, output);
  return {
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
  };
}
