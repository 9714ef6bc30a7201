import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { needsNginx, nginxMissing } from '../../proxy/testing/nginxMissing.ts';
import type { BareAnswers } from '../testing/bareModels.ts';
import { bareAnswers, isClose, putBareModels } from '../testing/bareModels.ts';
import type { Server } from '../testing/startServer.ts';
import { withServer } from '../testing/startServer.ts';
import { withTemporaryFolder } from '../testing/temporaryFolder.ts';
import { withDeadline } from '../testing/withDeadline.ts';

vi.setConfig({ testTimeout: 180_000 });

/** Files without a signature that a repository may hold. */
const CLASSIFIERS = ['zipmap-text', 'zipmap-int64', 'zipmap-forest', 'catboost-text', 'catboost-int64'];
const VALUES = ['doubles', 'halves', 'int32', 'int64', 'texts'];

interface Answer {
  readonly status: number;
  readonly text: string;
}

async function post(server: Server, path: string, body: unknown, type = 'application/json'): Promise<Answer> {
  const response = await withDeadline(
    `the answer to ${path}`,
    fetch(`http://127.0.0.1:${server.port}${path}`, {
      method: 'POST',
      headers: { 'content-type': type },
      body: typeof body === 'string' ? body : JSON.stringify(body),
    }),
  );
  return { status: response.status, text: await response.text() };
}

async function json<T>(answer: Promise<Answer>): Promise<T> {
  const { status, text } = await answer;
  expect(status, text).toBe(200);
  return JSON.parse(text) as T;
}

interface V2Output {
  readonly name: string;
  readonly datatype: string;
  readonly shape: readonly number[];
  readonly data: readonly unknown[];
}

/** The answers of a model to its rows in every dialect. */
async function askAll(server: Server, name: string, { data }: BareAnswers, query = '') {
  const { inputs } = (await (await fetch(`http://127.0.0.1:${server.port}/models/${name}`)).json()) as {
    readonly inputs: readonly { readonly name: string; readonly type: string }[];
  };
  const columns = inputs.map((input) => input.name);
  const csv = `${[columns, ...data].map((row) => row.join()).join('\n')}\n`;
  const tensors = inputs.map((input, at) => ({
    name: input.name,
    shape: [data.length],
    datatype: { string: 'BYTES', integer: 'INT64' }[input.type] ?? 'FP64',
    data: data.map((row) => row[at]),
  }));
  const native = await json<Record<string, unknown>>(
    post(server, `/models/${name}/predict${query}`, { columns, data }),
  );
  const v1 = await json<{ predictions: unknown }>(
    post(server, `/v1/models/${name}:predict`, { instances: data }),
  );
  const v2 = await json<{ outputs: V2Output[] }>(
    post(server, `/v2/models/${name}/infer`, { inputs: tensors }),
  );
  const file = await fetch(`http://127.0.0.1:${server.port}/models/${name}/predict_file${query}`, {
    method: 'POST',
    headers: { 'content-type': 'text/csv', accept: 'text/csv' },
    body: csv,
  });
  return { native, v1, v2: v2.outputs, file: { status: file.status, text: await file.text() } };
}

describe.skipIf(nginxMissing)(needsNginx('ONNX files without a signature'), () => {
  it('are answered as their libraries answer, in every dialect', async () => {
    await withTemporaryFolder(async (folder) => {
      const repository = join(folder, 'models');
      mkdirSync(repository);
      putBareModels(repository, [...CLASSIFIERS, ...VALUES]);
      await withServer({ env: { MODEL_REPOSITORY: repository } }, async (server) => {
        for (const name of CLASSIFIERS) {
          const wanted = bareAnswers(name);
          const { native, v1, v2, file } = await askAll(server, name, wanted, '?probabilities=true');
          expect([name, native['predictions']]).toEqual([name, wanted.predictions]);
          expect(isClose(native['probabilities'], wanted.probabilities), name).toBe(true);
          expect(v1.predictions).toEqual(wanted.predictions);
          expect(v2[0]?.data).toEqual(wanted.predictions);
          expect(isClose(v2[1]?.data, wanted.probabilities?.flat()), name).toBe(true);
          const lines = file.text.trim().split('\n').slice(1);
          const at = wanted.data[0]?.length ?? 0;
          expect(lines.map((line) => line.split(',')[at])).toEqual(wanted.predictions.map(String));
        }
        for (const name of VALUES) {
          const wanted = bareAnswers(name);
          const { native, v1, v2, file } = await askAll(server, name, wanted);
          // To the last digit: what the tensor holds is what is answered.
          expect([name, native['predictions']]).toEqual([name, wanted.predictions]);
          expect([v1.predictions, v2[0]?.data]).toEqual([wanted.predictions, wanted.predictions]);
          const lines = file.text.trim().split('\n').slice(1);
          expect(lines.map((line) => Number(line.split(',').at(-1)))).toEqual(wanted.predictions);
        }
        const refuse = async (name: string, row: unknown[]): Promise<string> => {
          const { status, text } = await post(server, `/v1/models/${name}:predict`, { instances: [row] });
          return `${status} ${text}`;
        };
        expect(await refuse('int32', [2 ** 31, 0])).toMatch(/^400 .*an integer that INT32 holds/);
        expect(await refuse('halves', [65505, 0])).toMatch(/^400 .*a number within ±65504/);
      });
    });
  });
});
