import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { inferSignature } from '../../../server/loading/inferSignature.ts';
import { withMlflowColumns } from '../../../server/loading/mlflowModel.ts';
import { readSignature } from '../../../server/loading/modelJson.ts';
import { readModelVersion } from '../../../server/loading/readModelVersion.ts';
import type { Model } from '../../../server/model/model.ts';
import type { Signature } from '../../../server/model/signature.ts';
import type { Candidate } from '../../../server/repository/listing.ts';
import { answerWidth } from '../../../worker/protocol.ts';
import { Failure } from '../../cli/faults.ts';
import { predictionOf, score } from '../openVersion.ts';
import type { FileRows } from '../readRows.ts';
import { readRows } from '../readRows.ts';
import { learn, makeRows } from './columns.ts';
import { pullExternalData } from './externalData.ts';

/** Golden rows that are written. */
const MAX_GOLDEN = 50;

export interface OnnxOptions {
  readonly rows?: string;
  readonly signature?: string;
  /** The file MLmodel of the folder that the ONNX file is from. */
  readonly mlmodel?: string;
}

async function read(file: string): Promise<Buffer> {
  return readFile(file).catch((error: NodeJS.ErrnoException) => {
    throw new Failure(`${file} cannot be read (${error.code ?? 'unknown error'})`);
  });
}

async function inferredFrom(onnx: Uint8Array, { mlmodel }: OnnxOptions): Promise<Signature> {
  const signature = inferSignature(onnx);
  return mlmodel === undefined
    ? signature
    : withMlflowColumns(signature, (await read(mlmodel)).toString('utf8'));
}

/** What the ONNX file says, or somebody instead of it; with what the rows teach; and the checksum. */
async function signatureOf(
  id: string,
  onnx: Uint8Array,
  options: OnnxOptions,
): Promise<{ signature: Signature; rows: FileRows }> {
  const inferred = options.signature === undefined ? await inferredFrom(onnx, options) : undefined;
  const given = async (): Promise<Signature> => {
    const text = (await read(options.signature as string)).toString('utf8');
    let json: unknown;
    try {
      json = JSON.parse(text);
    } catch {
      throw new Failure(`${options.signature} is not valid JSON`);
    }
    return readSignature(id, json);
  };
  const base = inferred ?? (await given());
  const { createHash } = await import('node:crypto');
  const sha256 = createHash('sha256').update(onnx).digest('hex');
  if (options.rows === undefined) return { signature: { ...base, sha256 }, rows: makeRows(base) };
  const rows = await readRows(options.rows, base);
  const inputs = inferred ? learn(base.inputs, rows) : base.inputs;
  return { signature: { ...base, inputs, sha256 }, rows };
}

function goldenOf(model: Model, { columns, data }: FileRows, answers: Float64Array): Record<string, unknown> {
  const width = answerWidth(model.output);
  const predictions = data.map((_, row) => predictionOf(model, answers, row));
  if (model.output.task === 'regression') return { columns, data, predictions };
  const probabilities = data.map((_, row) => [...answers.subarray(row * width + 1, (row + 1) * width)]);
  return { columns, data, predictions, probabilities };
}

/**
 * Writes the files of a version from an ONNX file into the candidate's folder; the golden rows are ONNX Runtime's.
 *
 * @throws {Failure | ModelRefused | OnnxRefused} when the model can't be served
 */
export async function importOnnx(path: string, candidate: Candidate, options: OnnxOptions): Promise<void> {
  const { folder, id } = candidate;
  const onnx = pullExternalData(await read(path), path);
  const { signature, rows } = await signatureOf(id, onnx, options);
  await writeFile(join(folder, 'model.onnx'), onnx);
  await writeFile(join(folder, 'model.json'), `${JSON.stringify(signature, null, 2)}\n`);
  const { model } = await readModelVersion(candidate);
  const some = { ...rows, data: rows.data.slice(0, MAX_GOLDEN) };
  const golden = goldenOf(model, some, await score(model, some));
  await writeFile(join(folder, 'golden.json'), `${JSON.stringify(golden)}\n`);
}
