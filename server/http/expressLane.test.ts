import { describe, expect, it } from 'vitest';
import { Problem } from '../errors/problem.ts';
import type { Inference } from '../inference/port.ts';
import type { Model } from '../model/model.ts';
import { ADULT_COLUMNS, ADULT_ROW, adultBody, adultRow } from '../testing/adult.ts';
import { APP_CONFIG, MAX_BODY_BYTES } from '../testing/appDeps.ts';
import type { Changes, Lane, Request } from '../testing/lanes.ts';
import { KEY, counts, exchange, toBytes, withLanes, withoutTimes } from '../testing/lanes.ts';
import { openRaw } from '../testing/rawExchange.ts';
import { tinyModel } from '../testing/tinyModel.ts';
import type { AppDeps } from './app.ts';

/** A regression model with an answer of its own at /predict and /cost. */
function customModel(name: string, routes: readonly string[]): Model {
  const tiny = tinyModel(name);
  return { ...tiny, signature: { ...tiny.signature, routes, answer: { key: 'cost', decimals: 2 } } };
}

const body = adultBody(ADULT_ROW);
const record = Object.fromEntries(ADULT_COLUMNS.map((name, at) => [name, ADULT_ROW[at]]));
const many = adultBody(...Array.from({ length: 300 }, (_, row) => adultRow({ age: row % 90 })));
const unknown = adultBody(...Array.from({ length: 30 }, () => adultRow({ workclass: 'Unheard of' })));

const EXPRESS: Readonly<Record<string, Request>> = {
  'the default model': { body },
  'a named model': { path: '/models/adult/predict', body },
  'a version': { path: '/models/adult/versions/1/predict', body },
  'no content type': { headers: { 'content-type': undefined }, body },
  'Accept: */*': { headers: { accept: '*/*' }, body },
  'Accept: application/json': { headers: { accept: 'application/json' }, body },
  'no request id': { headers: { 'x-request-id': undefined }, body },
  'an invalid request id': { headers: { 'x-request-id': 'a b' }, body },
  'another host': { headers: { host: 'models.example.com:5000' }, body },
  'a connection that stays open': { headers: { connection: undefined }, body },
  'one record': { body: record },
  'a list of records': { body: [record, record] },
  columns: { body: { ...Object.fromEntries(ADULT_COLUMNS.map((name, at) => [name, [ADULT_ROW[at]]])) } },
  'a byte order mark': { body: `\uFEFF${JSON.stringify(body)}` },
  'many rows': { body: many },
  'many rows, gzip accepted': { headers: { 'accept-encoding': 'gzip, deflate' }, body: many },
  'many rows, brotli accepted': { headers: { 'accept-encoding': 'br' }, body: many },
  'one row, brotli accepted': { headers: { 'accept-encoding': 'gzip, br' }, body },
  'an unknown category': { body: adultBody(adultRow({ workclass: 'Unheard of' })) },
  'many warnings': { body: unknown },
  'no rows': { body: [] },
};

const FAILS: Readonly<Record<string, Request>> = {
  'no body': { body: '' },
  'no JSON': { body: '{"columns":' },
  'no UTF-8 in escapes': { body: '"\\ud800"' },
  'a number': { body: 5 },
  'a missing column': { body: { columns: ['age'], data: [[1]] } },
  'a cell of another type': { body: adultBody(adultRow({ age: 'old' })) },
  'null in a cell': { body: adultBody(adultRow({ sex: null })) },
  'a list beside values': { body: { age: [1], sex: 'Male' } },
};

const PASSED_ON: Readonly<Record<string, Request>> = {
  'a query': { path: '/predict?probabilities=true', body },
  'an empty query': { path: '/predict?', body },
  'an unknown parameter': { path: '/predict?x=1', body },
  'a slash at the end': { path: '/predict/', body },
  'an absolute URL': { path: 'http://localhost/predict', body },
  'an encoded name': { path: '/models/%61dult/predict', body },
  'dots in the path': { path: '/models/../predict', body },
  'an unknown model': { path: '/models/nope/predict', body },
  'an unknown version': { path: '/models/adult/versions/9/predict', body },
  'version 0': { path: '/models/adult/versions/0/predict', body },
  'version 01': { path: '/models/adult/versions/01/predict', body },
  'another path': { path: '/nope', body },
  GET: { method: 'GET', headers: { 'content-type': undefined, 'content-length': undefined } },
  PUT: { method: 'PUT', body },
  OPTIONS: { method: 'OPTIONS' },
  V1: { path: '/v1/models/adult:predict', body: { instances: [record] } },
  MLflow: { path: '/invocations', body: { dataframe_split: body } },
  'a charset': { headers: { 'content-type': 'application/json; charset=utf-8' }, body },
  CSV: { headers: { 'content-type': 'text/csv' }, body: `${ADULT_COLUMNS.join()}\n${ADULT_ROW.join()}\n` },
  'JSON Lines': { headers: { 'content-type': 'application/jsonlines' }, body: JSON.stringify(record) },
  XML: { headers: { 'content-type': 'application/xml' }, body: '<row/>' },
  'Accept: JSON Lines': { headers: { accept: 'application/jsonlines' }, body },
  'Accept: image/png': { headers: { accept: 'image/png' }, body },
  'Accept with weights': { headers: { accept: 'text/plain, application/json;q=0.5' }, body },
  'an unknown coding': { headers: { 'content-encoding': 'lzw' }, body },
  'no gzip': { headers: { 'content-encoding': 'gzip' }, body },
  'an origin': { headers: { origin: 'https://shop.example.com' }, body },
  'no host': { headers: { host: '' }, body },
  'a host that is none': { headers: { host: 'a b' }, body },
  'a port below 1000': { headers: { host: 'a.1:80' }, body },
  'a host that a URL writes otherwise': { headers: { host: '1:80' }, body },
  'such a host, and no JSON': { headers: { host: '127.1:80' }, body: '{' },
  'a large declared body': { headers: { 'content-length': String(MAX_BODY_BYTES + 1) } },
  chunks: {
    headers: { 'content-length': undefined, 'transfer-encoding': 'chunked' },
    body: `${Buffer.byteLength(JSON.stringify(body)).toString(16)}\r\n${JSON.stringify(body)}\r\n0\r\n\r\n`,
  },
};

const CONFIG: AppDeps['config'] = { ...APP_CONFIG, CORS_ORIGINS: ['https://shop.example.com'] };

describe('the express lane answers as the app does', () => {
  const sendBoth = async (
    request: Request,
    passes: number,
    changes: Changes = { config: CONFIG },
  ): Promise<string> => {
    let status = '';
    await withLanes(changes, async (express, long) => {
      const keepsOpen = request.headers !== undefined && 'connection' in request.headers;
      const send = (lane: Lane): ReturnType<typeof exchange> =>
        keepsOpen ? exchangeOpen(lane, request) : exchange(lane, request);
      const [ours, theirs] = [await send(express), await send(long)];
      const isOwnId = (line: string): boolean =>
        /^x-request-id: [\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/.test(line);
      const hide = (answer: typeof ours): typeof ours => ({
        head: answer.head.map((line) => (isOwnId(line) ? 'x-request-id: new' : line)),
        body: answer.body,
      });
      expect(hide(ours)).toEqual(hide(theirs));
      expect(counts(await express.metrics())).toEqual(counts(await long.metrics()));
      expect(express.passedOn).toHaveLength(passes);
      const callsOf = ({ inference }: Lane): unknown[] =>
        inference.calls.map(({ model, rows, options }) => [model.id, rows, { ...options, requestId: '' }]);
      expect(callsOf(express)).toEqual(callsOf(long));
      expect(express.errors).toEqual(long.errors);
      [status = ''] = ours.head;
    });
    return status;
  };

  /** On a connection that the server keeps open. */
  const exchangeOpen = async ({ socket }: Lane, request: Request): ReturnType<typeof exchange> => {
    const connection = await openRaw(socket);
    connection.write(toBytes(request));
    const answer = await connection.received('"predictions":[');
    connection.socket.destroy();
    return withoutTimes(answer);
  };

  it.each(Object.entries(EXPRESS))('to %s, and takes it', async (_, request) => {
    expect(await sendBoth(request, 0)).toBe('HTTP/1.1 200 OK');
  });

  it.each(Object.entries(FAILS))('to %s, and passes the error on', async (_, request) => {
    expect(await sendBoth(request, 1)).toMatch(/^HTTP\/1\.1 4\d\d /);
  });

  it.each(Object.entries(PASSED_ON))('to %s, and passes it on unread', async (_, request) => {
    await sendBoth(request, 1);
  });

  it('to rows that inference answers at once', async () => {
    const behaviour: Inference['predict'] = (_, { rows }) => ({
      answers: new Float64Array(rows * 3),
      queueSeconds: 0,
      runSeconds: 0,
    });
    expect(await sendBoth({ body }, 0, { behaviour })).toBe('HTTP/1.1 200 OK');
  });

  it.each<[string, () => Error, number]>([
    ['a full queue', () => new Problem('overloaded'), 503],
    ['a late answer', () => new Problem('deadline_exceeded'), 504],
    ['a fault', () => new Error('boom'), 500],
  ])('to %s', async (_, error, status) => {
    const sync = (): never => {
      throw error();
    };
    for (const behaviour of [sync, () => Promise.reject(error())]) {
      expect(await sendBoth({ body }, 1, { behaviour })).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
    }
  });

  it('to rows that the model fails on', async () => {
    const behaviour: Inference['predict'] = () => ({
      answers: new Float64Array(3),
      queueSeconds: 0,
      runSeconds: 0,
      failed: [0],
    });
    expect(await sendBoth({ body }, 1, { behaviour })).toMatch(/^HTTP\/1\.1 422 /);
  });

  it('under overload, before it reads the body', async () => {
    expect(await sendBoth({ body }, 0, { late: true })).toMatch(/^HTTP\/1\.1 503 /);
  });

  it('to a request that waited for its place', async () => {
    expect(await sendBoth({ body }, 0, { late: 'once' })).toBe('HTTP/1.1 200 OK');
  });

  it.each<[string, Readonly<Record<string, string>>, number]>([
    ['no key', {}, 401],
    ['a wrong key', { authorization: 'Bearer nope' }, 401],
    ['a key', { authorization: `Bearer ${KEY}` }, 200],
    ['a key in x-api-key', { 'x-api-key': KEY }, 200],
  ])('to a request with %s', async (_, headers, status) => {
    const passes = status === 200 ? 0 : 1;
    expect(await sendBoth({ headers, body }, passes, { keys: true })).toMatch(
      new RegExp(`^HTTP/1.1 ${status} `),
    );
  });

  it.each<[string, Request, number]>([
    ['at /predict, in its own form', { body: { x: 2 } }, 1],
    ['by its name, in the native form', { path: '/models/own/predict', body: { x: 2 } }, 0],
    ['by its name, in its own form', { path: '/models/other/predict', body: { x: 2 } }, 1],
    ['at its own path', { path: '/cost', body: { x: 2 } }, 1],
  ])('for a model with an answer of its own, %s', async (_, request, passes) => {
    const models = [customModel('own', ['/predict', '/cost']), customModel('other', ['/predict'])] as const;
    const behaviour: Inference['predict'] = (_model, { cells }) => ({
      answers: Float64Array.from(cells),
      queueSeconds: 0,
      runSeconds: 0,
    });
    expect(await sendBoth(request, passes, { models, behaviour })).toBe('HTTP/1.1 200 OK');
  });
});
