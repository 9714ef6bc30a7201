import { readFile, readdir, rename, rm, rmdir, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { inferSignature } from '../../../server/loading/inferSignature.ts';
import { requireModelName, versionOf } from '../../../server/repository/listing.ts';
import type { Model } from '../../../server/model/model.ts';
import { readSignature } from '../../../server/loading/modelJson.ts';
import type { Signature } from '../../../server/model/signature.ts';
import { makeFolder } from '../../../server/platform/makeFolder.ts';
import { readModelVersion } from '../../../server/loading/readModelVersion.ts';
import { answerWidth } from '../../../worker/protocol.ts';
import { Failure } from '../../cli/faults.ts';
import { predictionOf, score } from '../openVersion.ts';
import type { FileRows } from '../readRows.ts';
import { readRows } from '../readRows.ts';
import { learn, makeRows } from './columns.ts';
import { pullExternalData } from './externalData.ts';

/** Golden rows that are written. */
const MAX_GOLDEN = 50;

export interface ImportOptions {
  readonly onnx: string;
  /** `<name>` or `<name>/<version>`. */
  readonly target: string;
  readonly repository: string;
  readonly rows?: string;
  readonly signature?: string;
}

async function read(file: string): Promise<Buffer> {
  return readFile(file).catch((error: NodeJS.ErrnoException) => {
    throw new Failure(`${file} cannot be read (${error.code ?? 'unknown error'})`);
  });
}

/** The name and the version to write: the one that is wanted, or the one behind the last. */
async function place(repository: string, target: string): Promise<{ name: string; version: number }> {
  const [name = '', wanted, ...others] = target.split('/');
  requireModelName(name);
  if (wanted !== undefined) {
    const version = versionOf(wanted);
    if (version === undefined || others.length > 0) throw new Failure('a version is a positive integer');
    return { name, version };
  }
  const present = await readdir(join(repository, name)).catch(() => []);
  return { name, version: Math.max(0, ...present.flatMap((entry) => versionOf(entry) ?? [])) + 1 };
}

/** What the ONNX file says, or somebody instead of it; with what the rows teach; and the checksum. */
async function signatureOf(
  onnx: Uint8Array,
  options: ImportOptions,
): Promise<{ signature: Signature; rows: FileRows }> {
  const inferred = options.signature === undefined ? inferSignature(onnx) : undefined;
  const given = async (): Promise<Signature> => {
    const text = (await read(options.signature as string)).toString('utf8');
    let json: unknown;
    try {
      json = JSON.parse(text);
    } catch {
      throw new Failure(`${options.signature} is not valid JSON`);
    }
    return readSignature(options.target, json);
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
 * Writes a version's folder, aside and then in one step, so that a server that watches the repository sees all of it.
 *
 * @returns what was done, for a person
 * @throws {Failure | ModelRefused | OnnxRefused} when the model can't be served; nothing is left behind then
 */
export async function importModel(options: ImportOptions): Promise<string> {
  const { repository, target } = options;
  const { name, version } = await place(repository, target);
  const id = `${name}/${version}`;
  const folder = join(repository, name, String(version));
  if (await stat(folder).catch(() => undefined)) throw new Failure(`${folder} is there already`);
  const onnx = pullExternalData(await read(options.onnx), options.onnx);
  const { signature, rows } = await signatureOf(onnx, options);
  const aside = join(repository, name, `.${version}.importing`);
  await rm(aside, { recursive: true, force: true });
  await makeFolder(aside);
  try {
    await writeFile(join(aside, 'model.onnx'), onnx);
    await writeFile(join(aside, 'model.json'), `${JSON.stringify(signature, null, 2)}\n`);
    const candidate = { name, version, id, fingerprint: '', folder: aside, root: aside };
    const { model } = await readModelVersion(candidate);
    const some = { ...rows, data: rows.data.slice(0, MAX_GOLDEN) };
    const golden = goldenOf(model, some, await score(model, some));
    await writeFile(join(aside, 'golden.json'), `${JSON.stringify(golden)}\n`);
    // As a server reads it.
    await readModelVersion(candidate);
    await rename(aside, folder);
  } catch (error) {
    await rm(aside, { recursive: true, force: true });
    // Empty, if it was made for this.
    await rmdir(dirname(folder)).catch(() => undefined);
    throw error;
  }
  const { inputs, task } = signature;
  return (
    `${folder}: ${task}, ${inputs.length} columns, ${Math.min(MAX_GOLDEN, rows.data.length)} golden rows\n` +
    `Look through model.json: descriptions, nullable and categories are for you to say.\n`
  );
}
