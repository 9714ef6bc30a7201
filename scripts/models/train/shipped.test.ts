import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { fromHome } from '../../../server/platform/install.ts';
import type { Server } from '../../../server/testing/startServer.ts';
import { startServer } from '../../../server/testing/startServer.ts';

interface Golden {
  readonly columns: readonly string[];
  readonly data: readonly (readonly unknown[])[];
  readonly predictions: readonly (string | number)[];
}

const SHIPPED = ['adult/2', 'cost/1', 'housing/1', 'iris/1', 'text/1'];

const goldenOf = (id: string): Golden =>
  JSON.parse(readFileSync(fromHome(`models/${id}/golden.json`), 'utf8')) as Golden;

/** Texts with scikit-learn's answers, which text_test.py holds to it: each is `text`, `times` times. */
const TEXTS = JSON.parse(readFileSync(fromHome('scripts/models/train/texts.json'), 'utf8')) as readonly {
  readonly text: string;
  readonly times: number;
  readonly label: string;
  readonly probabilities: readonly number[];
}[];

/** The rows of golden.json as records. */
const recordsOf = ({ columns, data }: Golden): Record<string, unknown>[] =>
  data.map((row) => Object.fromEntries(columns.map((name, at) => [name, row[at]])));

let repository: string;
let server: Server;

beforeAll(async () => {
  repository = mkdtempSync(join(tmpdir(), 'servemodel-shipped.'));
  for (const id of SHIPPED) {
    mkdirSync(join(repository, id), { recursive: true });
    cpSync(fromHome(`models/${id}`), join(repository, id), { recursive: true });
  }
  server = await startServer({
    env: { MODEL_REPOSITORY: repository, DEFAULT_MODEL: 'iris', WEB_CONCURRENCY: '1' },
  });
});
afterAll(async () => {
  await server.stop();
  await server.clean();
  rmSync(repository, { recursive: true });
});

const ask = (path: string, init?: RequestInit): Promise<Response> =>
  fetch(`http://127.0.0.1:${server.port}${path}`, init);

async function post(path: string, body: unknown): Promise<{ status: number; json: Record<string, unknown> }> {
  const headers = { 'content-type': 'application/json' };
  const response = await ask(path, { method: 'POST', headers, body: JSON.stringify(body) });
  return { status: response.status, json: (await response.json()) as Record<string, unknown> };
}

it('runs each model by the path that docs/models.md names', async () => {
  const response = await ask('/models');
  const { models } = (await response.json()) as {
    models: { name: string; version: number; engine: string; path: string }[];
  };
  const page = readFileSync(fromHome('docs/models.md'), 'utf8');
  expect(models.map(({ name, version }) => `${name}/${version}`)).toEqual(SHIPPED);
  for (const { name, version, engine, path } of models) {
    const row = page.split('\n').find((line) => line.startsWith(`| \`${name}/${version}\``)) ?? '';
    expect(row, name).toContain(`${engine}, ${path}`);
  }
});

describe.each(SHIPPED)('%s', (id) => {
  it('answers its golden rows over HTTP as its training library did', async () => {
    const golden = goldenOf(id);
    const { columns, data } = golden;
    const { status, json } = await post(`/models/${id.split('/')[0]}/predict`, { columns, data });
    expect(status).toBe(200);
    const answers = Object.values(json)[0] as (string | number)[];
    expect(answers).toHaveLength(golden.predictions.length);
    golden.predictions.forEach((wanted, row) =>
      typeof wanted === 'number'
        ? expect(Math.abs(Number(answers[row]) - wanted)).toBeLessThan(0.0051)
        : expect(answers[row]).toBe(wanted),
    );
  });

  it('has the size and the quality that docs/models.md names', () => {
    const page = readFileSync(fromHome('docs/models.md'), 'utf8');
    const row = page.split('\n').find((line) => line.startsWith(`| \`${id}\``)) ?? '';
    const bytes = readFileSync(fromHome(`models/${id}/model.onnx`)).length;
    expect(row).toContain(`${Math.round(bytes / 1000)} kB`);
    const { metrics } = JSON.parse(readFileSync(fromHome(`models/${id}/model.json`), 'utf8')) as {
      metrics: Record<string, number>;
    };
    expect(row).toContain((Object.values(metrics)[0] ?? NaN).toFixed(3));
  });
});

describe('each in its own form', () => {
  it('text: one object at /prediction, 400 when it is missing', async () => {
    const { status, json } = await post('/prediction', { text: 'Where is my parcel?' });
    expect({ status, json }).toEqual({ status: 200, json: { label: 'delivery' } });
    const bad = await post('/prediction', { message: 'Where is my parcel?' });
    expect(bad.status).toBe(400);
    expect(Object.keys(bad.json)).toEqual(['error']);
    const empty = await post('/prediction', {});
    expect(empty.status).toBe(400);
    expect(empty.json['error']).toMatch(/missing: "text"/);
  });

  it('text: scikit-learn’s answers to nothing at all, accents, other scripts, a NUL and very long texts', async () => {
    expect(TEXTS.length).toBeGreaterThan(10);
    for (const { text: part, times, label, probabilities } of TEXTS) {
      const text = part.repeat(times);
      const what = `${times} times ${JSON.stringify(part)}`;
      expect(await post('/prediction', { text }), what).toEqual({ status: 200, json: { label } });
      const { status, json } = await post('/v2/models/text/infer', {
        inputs: [{ name: 'text', datatype: 'BYTES', shape: [1], data: [text] }],
      });
      expect(status, what).toBe(200);
      const outputs = json['outputs'] as { name: string; data: unknown[] }[];
      const of = (name: string): unknown[] => outputs.find((output) => output.name === name)?.data ?? [];
      expect(of('label'), what).toEqual([label]);
      const off = of('probabilities').map((value, at) =>
        Math.abs(Number(value) - (probabilities[at] as number)),
      );
      expect(off, what).toHaveLength(probabilities.length);
      expect(Math.max(...off), what).toBeLessThan(1e-6);
    }
  });

  it('housing: an array of records', async () => {
    const golden = goldenOf('housing/1');
    const { status, json } = await post('/models/housing/predict', recordsOf(golden).slice(0, 2));
    expect(status).toBe(200);
    expect(Object.keys(json)).toEqual(['prediction']);
    expect((json['prediction'] as number[])[1]).toBeCloseTo(golden.predictions[1] as number, 3);
  });

  it('housing: predicted values are metrics, and the last one an alert can watch', async () => {
    const golden = goldenOf('housing/1');
    for (const row of [0, 1]) await post('/models/housing/predict', recordsOf(golden)[row]);
    const metrics = await (await fetch(`http://127.0.0.1:${server.metricsPort}/metrics`)).text();
    const last = /^model_result\{model="housing",version="1",prediction="prediction_value"\} (.*)$/m.exec(
      metrics,
    );
    expect(Number(last?.[1])).toBeCloseTo(golden.predictions[1] as number, 3);
    expect(metrics).toMatch(/^model_prediction_value_bucket\{le="50",model="housing",version="1"\} [1-9]/m);
    expect(metrics).not.toContain('model_prediction_value_count{model="iris"');
  });

  it('cost: one object, two decimals, 400 for a bad one', async () => {
    const [parcel] = recordsOf(goldenOf('cost/1'));
    const { status, json } = await post('/models/cost/predict', parcel);
    expect(status).toBe(200);
    expect(json['cost']).toBe(Number(Number(goldenOf('cost/1').predictions[0]).toFixed(2)));
    const bad = await post('/models/cost/predict', { ...parcel, weight_kg: 'heavy' });
    expect(bad.status).toBe(400);
    expect(bad.json['error']).toMatch(/weight_kg/);
    const query = new URLSearchParams(
      Object.entries(parcel ?? {}).map(([name, cell]): [string, string] => [name, String(cell)]),
    );
    expect(await (await ask(`/models/cost/predict?${query.toString()}`)).json()).toEqual(json);
    const refused = await ask('/models/cost/predict?weight_kg=heavy');
    expect([refused.status, refused.headers.get('x-model')]).toEqual([400, 'cost/1']);
    expect(Object.keys((await refused.json()) as object)).toEqual(['error']);
  });

  it('iris: one flower by query, and a file without a header', async () => {
    const flower = await ask('/predict?s_length=5.1&s_width=3.5&p_length=1.4&p_width=0.2');
    expect(await flower.json()).toMatchObject({ predictions: ['setosa'] });
    const form = new FormData();
    form.append(
      'file',
      new Blob(['5.1,3.5,1.4,0.2\n6.7,3.0,5.2,2.3\n'], { type: 'text/csv' }),
      'flowers.csv',
    );
    const file = await ask('/predict_file?header=false', { method: 'POST', body: form });
    expect(await file.json()).toMatchObject({ predictions: ['setosa', 'virginica'] });
  });
});
