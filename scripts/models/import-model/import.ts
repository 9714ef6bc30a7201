import { readdir, rename, rm, rmdir, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { requireModelName, versionOf } from '../../../server/repository/listing.ts';
import type { Model } from '../../../server/model/model.ts';
import { makeFolder } from '../../../server/platform/makeFolder.ts';
import { readModelVersion } from '../../../server/loading/readModelVersion.ts';
import { answerWidth } from '../../../worker/protocol.ts';
import { Failure } from '../../cli/faults.ts';
import { predictionOf, score } from '../openVersion.ts';
import type { FileRows } from '../readRows.ts';
import type { DescribeOptions } from './describe.ts';
import { describeOnnx, readFileOf } from './describe.ts';
import { pullExternalData } from './externalData.ts';

/** Golden rows that are written. */
const MAX_GOLDEN = 50;

export interface ImportOptions extends DescribeOptions {
  readonly onnx: string;
  /** `<name>` or `<name>/<version>`. */
  readonly target: string;
  readonly repository: string;
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

function goldenOf(model: Model, { columns, data }: FileRows, answers: Float64Array): Record<string, unknown> {
  const width = answerWidth(model.output);
  const predictions = data.map((_, row) => predictionOf(model, answers, row));
  const { output } = model;
  if (output.task === 'regression') return { columns, data, predictions };
  const numbers = (from: number): number[][] =>
    data.map((_, row) => [...answers.subarray(row * width + from, (row + 1) * width)]);
  if (output.task === 'classification') return { columns, data, predictions, probabilities: numbers(1) };
  const { scores, values } = output;
  if (!scores) return { columns, data, predictions };
  const lists = numbers(values.length);
  return { columns, data, predictions, [scores.name]: scores.name === 'score' ? lists.flat() : lists };
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
  const pulled = pullExternalData(await readFileOf(options.onnx), options.onnx);
  const { onnx, signature, rows, notes } = await describeOnnx(target, pulled, options);
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
    notes.map((note) => `${note}\n`).join('') +
    `${folder}: ${task}, ${inputs.length} columns, ${Math.min(MAX_GOLDEN, rows.data.length)} golden rows\n` +
    `Look through model.json: descriptions, nullable and categories are for you to say.\n`
  );
}
