import { expect } from 'vitest';
import { Problem } from '../errors/problem.ts';
import { ADULT_ROW, adultBody } from '../testing/adult.ts';
import { withApp } from '../testing/withApp.ts';

const good = JSON.stringify(adultBody(ADULT_ROW));
const JSON_TYPE = { 'content-type': 'application/json' };

/** Requests about a model and their statuses: a POST with this body, or a GET without one. */
const ABOUT_ADULT: readonly (readonly [
  status: number,
  path: string,
  body?: string | undefined,
  headers?: object,
])[] = [
  [200, '/predict'],
  [406, '/predict', undefined, { accept: 'image/png' }],
  [422, '/predict?age=1'],
  [400, '/predict?age=%ff'],
  [200, '/predict', good],
  [400, '/predict', '{'],
  [400, '/predict?nope=1', good],
  [406, '/predict', good, { accept: 'image/png' }],
  [413, '/predict', ' '.repeat(300_000)],
  [415, '/predict', 'a=b', { 'content-type': 'text/plain' }],
  [422, '/predict', '[{}]'],
  [422, '/models/adult/predict', '[{}]'],
  [422, '/models/adult/versions/1/predict', '[{}]'],
  [400, '/predict_file', '"', { 'content-type': 'text/csv' }],
  [415, '/predict_file', good],
  [415, '/models/adult/predict_file', good],
  [200, '/models/adult'],
  [406, '/models/adult', undefined, { accept: 'image/png' }],
  [200, '/models/adult/versions/1'],
  [200, '/models/adult/shadow'],
  [406, '/models/adult/shadow', undefined, { accept: 'image/png' }],
  [400, '/invocations', '{}'],
  [400, '/invocations?nope=1', good],
  [415, '/invocations', good, { 'content-type': 'text/plain' }],
  [200, '/v1/models/adult'],
  [200, '/v1/models/adult/versions/1'],
  [400, '/v1/models/adult:predict', '{}'],
  [415, '/v1/models/adult/versions/1:predict', good, { 'content-type': 'text/csv' }],
  [200, '/v2/models/adult'],
  [200, '/v2/models/adult/versions/1'],
  [200, '/v2/models/adult/ready'],
  [400, '/v2/models/adult/infer', '{}'],
  [415, '/v2/models/adult/versions/1/infer', good, { 'content-type': 'text/csv' }],
];

const ABOUT_NONE: readonly (readonly [status: number, path: string, body?: string])[] = [
  [200, '/'],
  [404, '/nope'],
  [404, '/nope', good],
  [200, '/models'],
  [404, '/models/nope'],
  [404, '/models/adult/versions/7'],
  [404, '/models/nope/predict', good],
  [200, '/health/live'],
  [200, '/health/ready'],
  [200, '/ping'],
  [200, '/openapi.json'],
  [200, '/v1/models'],
  [404, '/v1/models/nope'],
  [200, '/v2'],
  [404, '/v2/models/nope/infer', good],
];

withApp('every answer about a model names the version, and no other', async ({ request, inference }) => {
  const modelOf = async (path: string, body?: string, headers: object = {}): Promise<unknown[]> => {
    const answer = await request(path, {
      headers: { ...(body === undefined ? {} : JSON_TYPE), ...headers },
      ...(body === undefined ? {} : { method: 'POST', body }),
    });
    return [path, answer.status, answer.headers.get('x-model')];
  };
  for (const [status, path, body, headers] of ABOUT_ADULT)
    expect(await modelOf(path, body, headers)).toEqual([path, status, 'adult/1']);
  for (const [status, path, body] of ABOUT_NONE)
    expect(await modelOf(path, body)).toEqual([path, status, null]);

  for (const [code, status] of [
    ['overloaded', 503],
    ['deadline_exceeded', 504],
  ] as const) {
    inference.behaviour = () => Promise.reject(new Problem(code));
    for (const [path, body] of [
      ['/predict', good],
      ['/invocations', good],
      ['/v1/models/adult:predict', JSON.stringify({ instances: [ADULT_ROW] })],
    ] as const)
      expect(await modelOf(path, body)).toEqual([path, status, 'adult/1']);
  }
});

withApp('404 has the form of the protocol at that path', async ({ request }) => {
  const at = async (path: string): Promise<unknown[]> => {
    const { status, headers, text } = await request(path);
    return [status, headers.get('content-type'), Object.keys(JSON.parse(text) as object).includes('error')];
  };
  for (const path of ['/v2/nope', '/v2/models/adult/nope', '/v1', '/v1/nope/nope'])
    expect(await at(path)).toEqual([404, 'application/json', true]);
  for (const path of ['/nope', '/v20', '/v3/models'])
    expect(await at(path)).toEqual([404, 'application/problem+json', false]);
});

withApp('a body without cells is refused for every column', async ({ predict }) => {
  for (const body of ['{}', '[{}]']) {
    const { status, text } = await predict(body);
    expect([status, (JSON.parse(text) as { detail: string }).detail]).toEqual([
      422,
      expect.stringMatching(/missing: "age", "workclass".*"native-country"/),
    ]);
  }
});
