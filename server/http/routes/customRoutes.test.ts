import { Registry } from 'prom-client';
import { describe, expect, it } from 'vitest';
import { createApp } from '../app.ts';
import type { Model } from '../../model/model.ts';
import type { Signature } from '../../model/signature.ts';
import { APP_CONFIG, appDeps } from '../../testing/appDeps.ts';
import { createFakeInference } from '../../testing/fakeInference.ts';
import { tinyModel } from '../../testing/tinyModel.ts';

type Own = Pick<Signature, 'routes' | 'answer'>;

/** A regression model of one column, x, that answers a third of it. */
const model = (name: string, own: Own): Model => {
  const tiny = tinyModel(name);
  return { ...tiny, signature: { ...tiny.signature, ...own } };
};

/** An app with these models, the first of them the default. */
function serve(...models: readonly [Model, ...Model[]]) {
  const registry = new Registry();
  const inference = createFakeInference();
  inference.behaviour = (_, { cells }) => ({
    answers: Float64Array.from(cells, (cell) => cell / 3),
    queueSeconds: 0,
    runSeconds: 0,
  });
  const app = createApp(
    appDeps(models, { registry, inference, config: { ...APP_CONFIG, MAX_BODY_BYTES: 1024 } }),
  );
  const send = async (
    method: string,
    path: string,
    body?: unknown,
    headers = {},
  ): Promise<[number, unknown]> => {
    const text = typeof body === 'string' ? body : JSON.stringify(body);
    const response = await app.request(
      path,
      { method, headers, ...(body === undefined ? {} : { body: Buffer.from(text) }) },
      {},
    );
    return [response.status, await response.json()];
  };
  return {
    post: (path: string, body: unknown, headers = {}) => send('POST', path, body, headers),
    get: (path: string, headers = {}) => send('GET', path, undefined, headers),
    metrics: () => registry.metrics(),
    options: (path: string, headers: Record<string, string>, origins?: readonly string[]) =>
      createApp(appDeps(models, { config: { ...APP_CONFIG, CORS_ORIGINS: origins } })).request(
        path,
        { method: 'OPTIONS', headers },
        {},
      ),
  };
}

const COST: Own = { routes: ['/cost', '/prediction'], answer: { key: 'cost', decimals: 2 } };
const row = { x: 2 };
const native = { predictions: [2 / 3] };

describe('the custom form of a model', () => {
  it.each<[string, unknown, unknown, object?]>([
    ['one object', row, { cost: 0.67 }],
    ['a list of objects', [row, { x: -2 }], { cost: [0.67, -0.67] }],
    ['a table', { columns: ['x'], data: [[2]] }, { cost: [0.67] }],
    ['columns', { x: [2, 4] }, { cost: [0.67, 1.33] }],
    ['no rows', [], { cost: [] }],
    ['a CSV', 'x\n2\n', { cost: [0.67] }, { 'content-type': 'text/csv' }],
  ])('answers %s', async (_, body, answer, headers) => {
    const app = serve(model('a', COST));
    expect(await app.post('/cost', body, headers)).toEqual([200, answer]);
    expect(await app.post('/prediction', body, headers)).toEqual([200, answer]);
  });

  it('has errors of one sentence, with 400', async () => {
    const { post, get } = serve(model('a', COST));
    expect(await post('/cost', [row, { x: 'secret' }, {}])).toEqual([
      400,
      { error: 'Row 1, column "x": expected a number, found a string; and 1 more.' },
    ]);
    expect(await post('/cost', 'x\n\ny\n', { 'content-type': 'text/csv' })).toEqual([
      400,
      { error: 'Row 0 (line 3), column "x": expected a number, found a string.' },
    ]);
    expect(await post('/cost', { y: 1 })).toEqual([
      400,
      { error: 'The columns do not match the model\'s signature: missing: "x"; unknown: "y".' },
    ]);
    expect(await post('/cost', '{')).toEqual([
      400,
      {
        error:
          'The body is not valid JSON at line 1, column 2: the text ends too early, as if it were cut off.',
      },
    ]);
    expect(await post('/cost', row, { 'content-type': 'text/plain' })).toMatchObject(
      [415, { error: /./ }].map(expectAny),
    );
    expect((await post('/cost', ' '.repeat(2000)))[0]).toBe(413);
    expect(await post('/cost', {})).toEqual([
      400,
      { error: 'The columns do not match the model\'s signature: missing: "x".' },
    ]);
    expect((await post('/cost?probabilities=true', row))[0]).toBe(400);
    expect(await get('/cost')).toMatchObject([405, { error: expect.any(String) as string }]);
  });

  it('answers the preflight of a page of another origin', async () => {
    const headers = { origin: 'https://a.example', 'access-control-request-method': 'POST' };
    const { options } = serve(model('a', COST));
    expect((await options('/cost', headers, ['https://a.example'])).status).toBe(204);
    expect((await options('/cost', headers)).status).toBe(405);
  });

  it('leaves the built-in routes in the native form', async () => {
    const { post } = serve(model('a', COST));
    for (const path of ['/predict', '/models/a/predict', '/models/a/versions/1/predict']) {
      expect(await post(path, row)).toEqual([200, native]);
    }
  });

  it('is at /predict for the default model that names it, errors too', async () => {
    const own = { routes: ['/predict'], answer: { key: 'cost' } };
    const app = serve(model('a', own), model('b', own));
    expect(await app.post('/predict', row)).toEqual([200, { cost: 2 / 3 }]);
    expect(await app.post('/predict', { x: null })).toMatchObject([400, { error: /^Row 0/ }].map(expectAny));
    expect(await app.post('/models/a/predict', row)).toEqual([200, native]);
    // /predict leads to the default model, so the other model's form is at the path with its name.
    expect(await app.post('/models/b/predict', row)).toEqual([200, { cost: 2 / 3 }]);
    expect(await app.post('/models/b/versions/1/predict', row)).toEqual([200, native]);
  });

  it('is the form of GET with a row wherever it is the form of POST, errors too', async () => {
    const own = { routes: ['/predict'], answer: { key: 'cost', decimals: 2 } };
    const { get, post } = serve(model('a', own), model('b', own), model('c', {}));
    for (const path of ['/predict', '/models/b/predict']) {
      expect(await get(`${path}?x=2`)).toEqual(await post(path, row));
      expect(await get(`${path}?x=2`)).toEqual([200, { cost: 0.67 }]);
      expect(await get(`${path}?y=2&extra=ignore`)).toEqual(await post(`${path}?extra=ignore`, { y: 2 }));
      expect(await get(`${path}?x=no`)).toEqual([
        400,
        { error: 'Row 0, column "x": expected a number, found a boolean: send 1 or 0.' },
      ]);
      expect(await get(`${path}?x=%ff`)).toMatchObject([400, { error: /UTF-8/ }].map(expectAny));
      expect(await get(`${path}?x=2&probabilities=true`)).toMatchObject(
        [400, { error: /^The query parameters here are extra/ }].map(expectAny),
      );
      expect(await get(`${path}?x=2`, { accept: 'text/html' })).toMatchObject(
        [406, { error: /./ }].map(expectAny),
      );
      expect(await get(path)).toMatchObject([200, { method: 'POST' }]);
    }
    for (const path of ['/models/a/predict', '/models/b/versions/1/predict', '/models/c/predict']) {
      expect(await get(`${path}?x=2`)).toEqual([200, native]);
      expect(await get(`${path}?x=no`)).toMatchObject([422, { code: 'invalid_rows' }]);
    }
  });

  it('has its path as a label in the metrics', async () => {
    const app = serve(model('a', COST));
    await app.post('/cost', row);
    await app.post('/costs', row);
    expect(await app.metrics()).toMatch(/http_requests_total\{method="POST",route="\/cost",status="200"\} 1/);
    expect(await app.metrics()).not.toContain('/costs');
  });
});

describe('a route of a model', () => {
  const names = (path: string): Own => ({ routes: [path], answer: { key: 'own' } });

  it('is never a built-in one', async () => {
    const { post, get } = serve(model('a', names('/models')), model('b', names('/health/live')));
    expect((await get('/models'))[0]).toBe(200);
    expect((await post('/health/live', row))[0]).toBe(405);
    expect(await post('/models/b/predict', row)).toEqual([200, { own: 2 / 3 }]);
  });

  it('that two models name leads to the default model, or to none', async () => {
    const path = '/price';
    const others = [model('b', names(path)), model('c', names(path))] as const;
    expect((await serve(model('a', {}), ...others).post(path, row))[0]).toBe(404);
    expect(await serve(others[1], others[0]).post(path, row)).toEqual([200, { own: 2 / 3 }]);
    expect(await serve(model('a', {}), ...others).post('/models/b/predict', row)).toEqual([
      200,
      { own: 2 / 3 },
    ]);
  });

  it('/prediction leads to the first model that names it', async () => {
    const others = ['b', 'c'].map((name) => model(name, names('/prediction')));
    expect(await serve(model('a', {}), ...others).post('/prediction', row)).toEqual([200, { own: 2 / 3 }]);
  });

  it('answers in the native form if the model has no custom one', async () => {
    const { post } = serve(model('a', { routes: ['/score'] }));
    expect(await post('/score', row)).toEqual([200, native]);
    expect(await post('/score', { x: 'y' })).toMatchObject([422, { code: 'invalid_rows' }]);
  });
});

/** A pattern in an expected object stands for any text that matches it. */
function expectAny(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => [
      key,
      inner instanceof RegExp ? expect.stringMatching(inner) : (inner as unknown),
    ]),
  );
}
