import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { readModelVersion } from '../../../server/loading/readModelVersion.ts';
import { sampledExplanation } from '../../../server/model/explanation.ts';
import type { Model } from '../../../server/model/model.ts';
import type { Candidate } from '../../../server/repository/listing.ts';
import { answerWidth } from '../../../worker/protocol.ts';
import { Failure } from '../../cli/faults.ts';
import { predictionOf, score } from '../openVersion.ts';
import type { FileRows } from '../readRows.ts';
import { backgroundOf } from './backgroundRows.ts';
import type { OnnxOptions } from './describeOnnx.ts';
import { describeOnnx, readFileOf } from './describeOnnx.ts';
import { pullExternalData } from './externalData.ts';

/** Golden rows that are written. */
const MAX_GOLDEN = 50;

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

/** Whether background rows have a use. */
const explains = (model: Model): boolean =>
  !('reason' in sampledExplanation({ ...model, backgroundRows: 1 }));

/**
 * Writes the files of a version from an ONNX file into the candidate's folder; the golden rows are ONNX Runtime's.
 *
 * @returns what was assumed: one sentence each
 * @throws {Failure | ModelRefused | OnnxRefused} when the model can't be served
 */
export async function importOnnx(
  path: string,
  candidate: Candidate,
  options: OnnxOptions,
): Promise<readonly string[]> {
  const { folder, id } = candidate;
  const pulled = pullExternalData(await readFileOf(path), path);
  const { onnx, signature, rows, notes } = await describeOnnx(id, pulled, options);
  await writeFile(join(folder, 'model.onnx'), onnx);
  await writeFile(join(folder, 'model.json'), `${JSON.stringify(signature, null, 2)}\n`);
  const { model } = await readModelVersion(candidate);
  const some = { ...rows, data: rows.data.slice(0, MAX_GOLDEN) };
  const answers = await score(model, some).catch((error: unknown) => {
    if (options.rows !== undefined) throw error;
    throw new Failure(
      `it can't compute the rows that were made up (${(error as Error).message}): give it others with --rows`,
    );
  });
  const golden = goldenOf(model, some, answers);
  await writeFile(join(folder, 'golden.json'), `${JSON.stringify(golden)}\n`);
  if (options.rows !== undefined && explains(model))
    await writeFile(join(folder, 'background.json'), backgroundOf(model, rows));
  return notes;
}
