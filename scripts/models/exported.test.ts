import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { DriftReport } from '../../server/observers/drift/report.ts';
import type { Server } from '../../server/testing/startServer.ts';
import { CHECKOUT, startServer } from '../../server/testing/startServer.ts';
import { trainingMissing, trainingPython } from '../../server/testing/trainingPython.ts';
import { eventually, withDeadline } from '../../server/testing/withDeadline.ts';

vi.setConfig({ testTimeout: 60_000, hookTimeout: 400_000 });

/** Rows that the model hasn't seen, and the library's own answers to them. */
interface Held {
  readonly rows: { readonly columns: readonly string[]; readonly data: readonly (readonly unknown[])[] };
  readonly predictions: readonly number[];
  readonly probabilities?: readonly (readonly number[])[];
}

interface Answer {
  readonly predictions: readonly number[];
  readonly probabilities?: readonly (readonly number[])[];
}

/** What runs them, by the names of exportModels.py. */
const MISSING_TEXTS: Readonly<Record<string, 'forest' | 'onnxruntime'>> = {
  'most-frequent': 'onnxruntime',
  constant: 'forest',
  'constant-ordinal': 'forest',
  none: 'forest',
  na: 'forest',
  'own-category': 'forest',
  'own-category-none': 'forest',
  'own-number': 'forest',
  'own-nan': 'forest',
};
const CATEGORIES: typeof MISSING_TEXTS = {
  closed: 'onnxruntime',
  lightgbm: 'forest',
  'lightgbm-many': 'forest',
  'xgboost-one-hot': 'forest',
  'xgboost-sets': 'forest',
  hist: 'forest',
  'hist-listed': 'forest',
};
const ENGINES = { ...MISSING_TEXTS, ...CATEGORIES };

const TOLERANCE = 1e-5;

describe.skipIf(trainingMissing)(`exported models${trainingMissing ? ` (${trainingMissing})` : ''}`, () => {
  const repository = mkdtempSync(join(tmpdir(), 'servemodel-exported-'));
  const logs = mkdtempSync(join(tmpdir(), 'servemodel-exported-log-'));
  let server: Server;
  const held = (name: string): Held =>
    JSON.parse(readFileSync(join(repository, name, 'held.json'), 'utf8')) as Held;
  const send = (path: string, init?: RequestInit): Promise<Response> =>
    withDeadline(`the answer of ${path}`, fetch(`http://127.0.0.1:${server.port}${path}`, init), 20_000);
  const post = (path: string, body: unknown, type = 'application/json'): Promise<Response> =>
    send(path, {
      method: 'POST',
      headers: { 'content-type': type },
      body: typeof body === 'string' ? body : JSON.stringify(body),
    });

  beforeAll(async () => {
    const made = spawn(trainingPython, ['scripts/testing/exportModels.py', repository], {
      cwd: CHECKOUT,
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    let errors = '';
    made.stderr.setEncoding('utf8').on('data', (text: string) => (errors += text));
    const [code] = (await withDeadline('exportModels.py', once(made, 'close'), 300_000)) as [number];
    expect(code, errors).toBe(0);
    server = await startServer({
      env: {
        MODEL_REPOSITORY: repository,
        WEB_CONCURRENCY: '1',
        PREDICTION_LOG: `file:${logs}`,
        DEFAULT_MODEL: 'constant',
      },
      args: ['--no-install', '--no-proxy'],
    });
    await server.ready();
  });

  afterAll(async () => {
    await server.stop();
    await server.clean();
    rmSync(repository, { recursive: true, force: true });
    rmSync(logs, { recursive: true, force: true });
  });

  it.each(Object.entries(ENGINES))('%s has the answers of its library', async (name, engine) => {
    const { rows, predictions, probabilities } = held(name);
    expect(rows.data.length).toBeGreaterThanOrEqual(200);
    const query = probabilities ? '?probabilities=true' : '';
    const response = await post(`/models/${name}/predict${query}`, rows);
    const answer = (await response.json()) as Answer;
    expect(response.status, JSON.stringify(answer).slice(0, 300)).toBe(200);
    const wanted = probabilities?.flat() ?? predictions;
    const got = answer.probabilities?.flat() ?? answer.predictions;
    expect(got.length).toBe(wanted.length);
    const farthest = wanted.reduce(
      (most, value, at) =>
        Math.max(most, Math.abs(value - (got[at] as number)) / Math.max(1, Math.abs(value))),
      0,
    );
    expect(farthest).toBeLessThan(TOLERANCE);
    if (probabilities) expect(answer.predictions).toEqual(predictions);
    const details = (await (await send(`/models/${name}`)).json()) as { engine: string };
    expect(details.engine).toBe(engine);
  });

  it('refuses a category that XGBoost or an encoder refuses, and warns of one that others take for missing', async () => {
    const row = (city: unknown) => ({ columns: ['city', 'amount'], data: [[city, 0.5]] });
    const refused = await post('/models/xgboost-sets/predict', row('Bonn'));
    const text = await refused.text();
    expect([refused.status, text.includes('Bonn')], text).toEqual([422, false]);
    expect(text).toMatch(/"column":"city","message":"expected one of the known categories/);
    expect((await post('/models/xgboost-sets/predict', row(null))).status).toBe(200);
    const encoded = await post('/models/closed/predict', {
      columns: ['city', 'job', 'amount'],
      data: [['Bonn', 'cook', 0.5]],
    });
    expect([encoded.status, await encoded.text()]).toEqual([
      422,
      expect.stringMatching(/"column":"city","message":"expected one of the known categories/),
    ]);
    const answered = await post('/models/lightgbm/predict', {
      columns: ['city', 'amount', 'code'],
      data: [['Bonn', 0.5, 4]],
    });
    expect(await answered.json()).toMatchObject({
      warnings: [{ row: 0, column: 'city', code: 'unknown_category' }],
    });
    const openapi = JSON.stringify(await (await send('/openapi.json')).json());
    expect(openapi).toMatch(/"enum":\["c001",[^\]]*,null\]/);
  });

  describe('a missing text', () => {
    const columns = ['city', 'job', 'amount'];
    const record = { city: null, job: 'cook', amount: 0.5 };
    const row = Object.values(record);
    const csv = 'city,job,amount\n,cook,0.5\n';
    const tensor = (name: string, datatype: string, value: unknown) => ({
      name,
      datatype,
      shape: [1],
      data: [value],
    });
    const part = `--x\r\ncontent-disposition: form-data; name="file"; filename="a.csv"\r\n\r\n${csv}\r\n--x--\r\n`;
    const path = '/models/constant/predict';
    const bodies: Readonly<Record<string, () => Promise<Response>>> = {
      'a table': () => post(path, { columns, data: [row] }),
      'a row': () => post(path, record),
      'a list of rows': () => post(path, [record]),
      CSV: () => post(path, csv, 'text/csv'),
      'JSON lines': () => post(path, `${JSON.stringify(record)}\n`, 'application/jsonlines'),
      V1: () => post('/v1/models/constant:predict', { instances: [record] }),
      V2: () =>
        post('/v2/models/constant/infer', {
          inputs: [
            tensor('city', 'BYTES', null),
            tensor('job', 'BYTES', 'cook'),
            tensor('amount', 'FP64', 0.5),
          ],
        }),
      MLflow: () => post('/invocations', { dataframe_split: { columns, data: [row] } }),
      'a query': () => send('/predict?city=&job=cook&amount=0.5'),
      'a file': () => post('/predict_file', part, 'multipart/form-data; boundary=x'),
    };
    const answerOf = async (response: Response): Promise<string> => {
      const text = await response.text();
      expect(response.status, text).toBe(200);
      return text;
    };

    it.each(Object.keys(bodies))('is the same in %s', async (name) => {
      const { predictions } = JSON.parse(
        await answerOf(await post(path, { columns, data: [row] })),
      ) as Answer;
      const text = await answerOf(await (bodies[name] as () => Promise<Response>)());
      const [, label] = /(?:"predictions":\[|"prediction":|"data":\[|,)(\d)(?:\]|\}|\r?\n|$)/.exec(text) ?? [
        text,
      ];
      expect(label).toBe(String(predictions[0]));
    });

    it('is refused where a caller sends the text that stands for it, without repeating it', async () => {
      const model = JSON.parse(readFileSync(join(repository, 'constant/1/model.json'), 'utf8')) as {
        inputs: { missing?: string }[];
      };
      const missing = model.inputs[0]?.missing as string;
      const response = await post(path, { columns, data: [[missing, 'cook', 0.5]] });
      const text = await response.text();
      expect(response.status, text).toBe(422);
      expect(text).toMatch(/row":0,"column":"city","message":"[^"]*send null/);
      expect(text).not.toContain(missing);
      const details = await (await send('/models/constant')).text();
      expect(details).toContain('"nullable":true');
      expect(details).not.toContain(missing);
    });

    it('is null in the OpenAPI document and in the log, and counted by drift', async () => {
      const openapi = await (await send('/openapi.json')).json();
      expect(JSON.stringify(openapi)).toContain('{"type":["string","null"]');
      const marked = { city: null, job: null, amount: 0.125 };
      await answerOf(await post('/models/own-category/predict', marked));
      await eventually('the row in the log', () => {
        const lines = readdirSync(logs, { recursive: true, encoding: 'utf8' })
          .filter((file) => file.includes('.jsonl'))
          .map((file) => readFileSync(join(logs, file), 'utf8'))
          .join('');
        return Promise.resolve(lines.includes('"input":{"amount":0.125,"city":null,"job":null}'));
      });
      const report = await eventually('the row in the drift report', async () => {
        const found = (await (await send('/models/own-category/drift')).json()) as DriftReport;
        return found.window.rows > 0 && found;
      });
      const city = report.columns.find(({ name }) => name === 'city');
      expect(city?.missing?.expected).toBeGreaterThan(0.1);
      expect(city?.missing?.observed).toBeGreaterThan(0);
      expect(city?.unknown?.expected).toBe(0);
    });
  });
});
