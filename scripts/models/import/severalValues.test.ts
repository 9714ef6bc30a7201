import { mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { needsNginx, nginxMissing } from '../../../proxy/testing/nginxMissing.ts';
import { fromHome } from '../../../server/platform/install.ts';
import { askAll, post } from '../../../server/testing/askAll.ts';
import type { BareAnswers } from '../../../server/testing/bareModels.ts';
import { bareAnswers, isClose } from '../../../server/testing/bareModels.ts';
import type { Server } from '../../../server/testing/startServer.ts';
import { withServer } from '../../../server/testing/startServer.ts';
import { withTemporaryFolder } from '../../../server/testing/temporaryFolder.ts';
import { importFile } from '../../testing/importFile.ts';
import type { OnnxOptions } from './describeOnnx.ts';

vi.setConfig({ testTimeout: 240_000 });

/** Of each model: what its task is, and what an import has to be given. */
const MODELS: Readonly<Record<string, readonly [task: string, options: OnnxOptions]>> = {
  'isolation-forest': ['outlier-detection', {}],
  'one-class-svm': ['outlier-detection', {}],
  kmeans: ['clustering', {}],
  pca: ['transformation', { task: 'transformation' }],
  'ridge-3': ['multioutput-regression', { outputs: ['price', 'days', 'risk'] }],
  'forest-3': ['quantile-regression', { task: 'quantile-regression', outputs: ['p10', 'p50', 'p90'] }],
  'boosted-3': ['multioutput-regression', {}],
  'one-vs-rest': ['multilabel-classification', { outputs: ['a', 'b', 'c'] }],
  'perceptron-bits': ['multilabel-classification', {}],
  'forest-bits': ['multilabel-classification', {}],
  'logistic-bits': ['multilabel-classification', {}],
  'tree-codes': ['multilabel-classification', {}],
  'tree-texts': ['multilabel-classification', { outputs: ['colour', 'answer'] }],
};

const BITS = Object.keys(MODELS).filter((name) => MODELS[name]?.[0] === 'multilabel-classification');

/** Imports all models, and writes predictions to a log. */
async function withModels(run: (server: Server, log: string) => Promise<void>): Promise<void> {
  await withTemporaryFolder(async (folder) => {
    const repository = join(folder, 'models');
    const log = join(folder, 'log');
    mkdirSync(repository);
    mkdirSync(log);
    for (const [name, [task, options]] of Object.entries(MODELS)) {
      const onnx = fromHome(`server/testing/bare/${name}.onnx`);
      const said = await importFile(onnx, repository, name, options);
      expect(said.split('\n')[0]).toMatch(new RegExp(`/${name}/1: ${task}( \\(.*\\))?, 4 columns, `));
    }
    writeFileSync(join(repository, 'repository.json'), JSON.stringify({ default: 'ridge-3' }));
    const env = { MODEL_REPOSITORY: repository, PREDICTION_LOG: `file:${log}` };
    await withServer({ env }, (server) => run(server, log));
  });
}

const get = async (server: Server, path: string): Promise<Record<string, unknown>> => {
  const response = await fetch(`http://127.0.0.1:${server.port}${path}`, {
    headers: { accept: 'application/json' },
  });
  return (await response.json()) as Record<string, unknown>;
};

/** The cells that a CSV answer adds to its rows, and their titles. */
function added(text: string, { data }: BareAnswers): { titles: string[]; rows: string[][] } {
  const from = data[0]?.length ?? 0;
  const [titles = [], ...rows] = text
    .trim()
    .split('\n')
    .map((line) => line.split(',').slice(from));
  return { titles, rows };
}

describe.skipIf(nginxMissing)(needsNginx('several values a row'), () => {
  it('are answered as the libraries answer, in every dialect', async () => {
    await withModels(async (server, log) => {
      for (const name of Object.keys(MODELS)) {
        const wanted = bareAnswers(name);
        const { predictions } = wanted;
        const probabilities = wanted.probabilities !== undefined;
        const query = probabilities ? '?probabilities=true' : '';
        const { native, v1, v2, file } = await askAll(server, name, wanted, query);
        expect(isClose(native['predictions'], predictions), name).toBe(true);
        expect(isClose(v1.predictions, predictions), name).toBe(true);
        for (const member of ['score', 'distances'] as const)
          expect(isClose(native[member], wanted[member]), `${name} ${member}`).toBe(true);
        if (probabilities) expect(isClose(native['probabilities'], wanted.probabilities), name).toBe(true);
        else expect(native['probabilities']).toBeUndefined();

        const lists = predictions.map((one) => [one].flat());
        const columns = (lists[0] ?? []).map((_, k) => lists.map((row) => row[k]));
        if (name === 'pca') {
          expect(v2).toMatchObject([{ name: 'variable', datatype: 'FP64', shape: [40, 2] }]);
          expect(isClose(v2[0]?.data, predictions.flat())).toBe(true);
        } else {
          columns.forEach((column, k) => expect(isClose(v2[k]?.data, column), `${name} ${k}`).toBe(true));
        }
        const cells = added(file.text, wanted);
        columns.forEach((column, k) =>
          expect(
            isClose(
              cells.rows.map((row) => (typeof column[0] === 'number' ? Number(row[k]) : row[k])),
              column,
            ),
            `${name} ${cells.titles.join()}`,
          ).toBe(true),
        );
      }

      const names = async (name: string) => {
        const { v2, file } = await askAll(server, name, bareAnswers(name));
        const { titles } = added(file.text, bareAnswers(name));
        return [v2.map((output) => `${output.name} ${output.datatype} ${output.shape.join()}`), titles];
      };
      expect(await names('ridge-3')).toEqual([
        ['price FP64 40', 'days FP64 40', 'risk FP64 40'],
        ['prediction_price', 'prediction_days', 'prediction_risk'],
      ]);
      expect(await names('isolation-forest')).toEqual([
        ['label INT64 40', 'score FP64 40'],
        ['prediction', 'score'],
      ]);
      expect(await names('kmeans')).toEqual([
        ['label INT64 40', 'distances FP64 40,3'],
        ['prediction', 'distance_0', 'distance_1', 'distance_2'],
      ]);
      expect(await names('one-vs-rest')).toEqual([
        ['a INT64 40', 'b INT64 40', 'c INT64 40', 'probabilities FP32 40,3'],
        ['prediction_a', 'prediction_b', 'prediction_c'],
      ]);

      // MLflow's route is the default model's.
      const wanted = bareAnswers('ridge-3');
      const columns = ['X_0', 'X_1', 'X_2', 'X_3'];
      const mlflow = await post(server, '/invocations', { dataframe_split: { columns, data: wanted.data } });
      const { predictions } = JSON.parse(mlflow.text) as { predictions: unknown };
      expect(isClose(predictions, wanted.predictions)).toBe(true);

      // A row that is refused has a null in each list.
      const [first] = bareAnswers('kmeans').data;
      const some = { columns, data: [['?', 0, 0, 0], first] };
      const partly = await post(server, '/models/kmeans/predict?on_error=null', some);
      expect(JSON.parse(partly.text)).toMatchObject({
        predictions: [null, expect.any(Number)],
        distances: [null, [expect.any(Number), expect.any(Number), expect.any(Number)]],
      });
      expect((await post(server, '/models/kmeans/predict?probabilities=true', some)).status).toBe(400);

      const openapi = await get(server, '/openapi.json');
      expect(JSON.stringify(openapi)).toContain('In this order: price, days, risk.');
      expect(await get(server, '/models/ridge-3')).toMatchObject({
        task: 'multioutput-regression',
        outputs: { values: [{ name: 'price', onnx: 'variable' }, { name: 'days' }, { name: 'risk' }] },
      });
      const drift = await get(server, '/models/kmeans/drift');
      expect(drift['predictions']).toMatchObject({ bins: [{ bin: '0' }, { bin: '1' }, { bin: '2' }] });

      await server.stop();
      const records = readdirSync(log)
        .flatMap((file) => readFileSync(join(log, file), 'utf8').trim().split('\n'))
        .map((line) => JSON.parse(line) as { model: string; row: number; output: unknown });
      const logged = (id: string) => records.find(({ model, row }) => model === id && row === 0)?.output;
      const [price, days, risk] = wanted.predictions[0] as number[];
      expect(logged('ridge-3/1')).toEqual({
        values: {
          price: expect.closeTo(price as number, 4) as number,
          days: expect.closeTo(days as number, 4) as number,
          risk: expect.closeTo(risk as number, 4) as number,
        },
      });
      expect(logged('isolation-forest/1')).toMatchObject({
        values: { label: expect.any(Number) as number },
        scores: [expect.any(Number)],
      });
      expect(BITS.every((name) => logged(`${name}/1`) !== undefined)).toBe(true);
    });
  });
});
