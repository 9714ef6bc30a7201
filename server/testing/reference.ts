import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { TextCell } from '../../worker/protocol.ts';
import { MAX_BATCH_ROWS, TEXT_CELL, answerWidth, fetchedOutputs } from '../../worker/protocol.ts';
import { openSession } from '../../worker/session.ts';
import { createAnswerReader } from '../../worker/answers.ts';
import { createFeedMaker } from '../../worker/tensors.ts';
import type { TensorValue } from '../../worker/tensors.ts';
import type { Signature } from '../model/signature.ts';
import { outputFeed } from '../model/signature.ts';
import { withTemporaryFolder } from './temporaryFolder.ts';
import type { EdgeRow } from '../compiler/edgeRows.ts';
import type { Lifted } from '../compiler/lift/lift.ts';

/** Answers of ONNX Runtime, [rows, answerWidth]. */
export type Score = (rows: readonly EdgeRow[]) => Promise<Float64Array>;

type MakeTensors = (rows: readonly EdgeRow[]) => Record<string, TensorValue>;

interface Opened {
  readonly session: Awaited<ReturnType<typeof openSession>>;
  readonly makeTensors: MakeTensors;
}

const openBytes = (bytes: Uint8Array): ReturnType<typeof openSession> =>
  withTemporaryFolder(async (folder) => {
    const path = join(folder, 'model.onnx');
    await writeFile(path, bytes);
    return openSession({ path, sha256: undefined });
  });

function scorer({ session, makeTensors }: Opened, signature: Signature): Score {
  const output = outputFeed(signature);
  const width = answerWidth(output);
  const readAnswers = createAnswerReader(output);
  return async (rows) => {
    const answers = new Float64Array(rows.length * width);
    for (let from = 0; from < rows.length; from += MAX_BATCH_ROWS) {
      const batch = rows.slice(from, from + MAX_BATCH_ROWS);
      const outputs = await session.run(makeTensors(batch), fetchedOutputs(output));
      readAnswers(outputs, answers.subarray(from * width, (from + batch.length) * width), batch.length);
    }
    return answers;
  };
}

/** The whole graph, fed as the server feeds it. */
async function prepareWhole(bytes: Uint8Array, { inputs }: Signature): Promise<Opened> {
  const session = await openBytes(bytes);
  const columns = inputs.map((input) => ({ ...input, categories: input.categories ?? [] }));
  const makeFeeds = createFeedMaker(columns, session.inputs);
  const makeTensors: MakeTensors = (rows) => {
    const texts: TextCell[] = [];
    const cells = new Float64Array(rows.length * columns.length);
    rows.forEach((values, row) =>
      values.forEach((value, column) => {
        const at = row * columns.length + column;
        if (typeof value === 'string') texts.push({ row, column, text: value });
        cells[at] = typeof value === 'string' ? TEXT_CELL : value === null ? NaN : Number(value);
      }),
    );
    return makeFeeds(cells, texts, rows.length);
  };
  return { session, makeTensors };
}

/** The lifted rows as a matrix [rows, features]. */
export function encodeRows(
  { columns, features }: Lifted,
  rows: readonly EdgeRow[],
): Float32Array<ArrayBuffer> {
  const matrix = new Float32Array(rows.length * features);
  rows.forEach((values, row) =>
    columns.forEach((column, index) => {
      const value = values[index] ?? NaN;
      if (column.kind === 'text') column.write(value as string, matrix, row * features);
      else column.write(Number(value), matrix, row * features);
    }),
  );
  return matrix;
}

/** The matrix of the lifted columns, for the rest of the graph. */
async function prepareLifted(lifted: Lifted): Promise<Opened> {
  const { bytes, input } = lifted.graph();
  const makeTensors: MakeTensors = (rows) => ({
    [input]: { type: 'float32', data: encodeRows(lifted, rows), dims: [rows.length, lifted.features] },
  });
  return { session: await openBytes(bytes), makeTensors };
}

export const openWhole = async (bytes: Uint8Array, signature: Signature): Promise<Score> =>
  scorer(await prepareWhole(bytes, signature), signature);

export const openLifted = async (lifted: Lifted, signature: Signature): Promise<Score> =>
  scorer(await prepareLifted(lifted), signature);

/** All elements of the one output of a regression. */
async function run(
  { session, makeTensors }: Opened,
  { outputs: { value = '' } }: Signature,
  rows: readonly EdgeRow[],
): Promise<ArrayLike<unknown>> {
  const outputs = await session.run(makeTensors(rows), [value]);
  return (outputs[value] as { data: ArrayLike<unknown> }).data;
}

export const runWhole = async (
  bytes: Uint8Array,
  signature: Signature,
  rows: readonly EdgeRow[],
): Promise<ArrayLike<unknown>> => run(await prepareWhole(bytes, signature), signature, rows);

export const runLifted = async (
  lifted: Lifted,
  signature: Signature,
  rows: readonly EdgeRow[],
): Promise<ArrayLike<unknown>> => run(await prepareLifted(lifted), signature, rows);

/** Rows on which two scorers don't agree bit by bit. */
export function differences(left: Float64Array, right: Float64Array, rows: number): number[] {
  const width = left.length / rows;
  const differing: number[] = [];
  for (let row = 0; row < rows; row++) {
    for (let k = row * width; k < (row + 1) * width; k++) {
      if (Object.is(left[k], right[k])) continue;
      differing.push(row);
      break;
    }
  }
  return left.length === right.length ? differing : [-1];
}
