import fc from 'fast-check';
import { describe, expect } from 'vitest';
import { ADULT_COLUMNS, ADULT_ROW } from '../testing/adult.ts';
import type { Answer } from '../testing/httpClient.ts';
import type { AppUnderTest } from '../testing/withApp.ts';
import { withApp } from '../testing/withApp.ts';

const RUNS = { numRuns: 150, seed: 7 };
const record = Object.fromEntries(ADULT_COLUMNS.map((name, at) => [name, ADULT_ROW[at]]));
const tensors = ADULT_COLUMNS.map((name, at) => ({
  name,
  datatype: typeof ADULT_ROW[at] === 'string' ? 'BYTES' : 'INT64',
  shape: [1],
  data: [ADULT_ROW[at]],
}));

/** Each protocol: its path, valid bodies, and the members of its errors. */
const PROTOCOLS: readonly { path: string; bodies: readonly object[]; error: readonly string[] }[] = [
  {
    path: '/invocations',
    bodies: [
      { dataframe_split: { columns: ADULT_COLUMNS, index: [0], data: [ADULT_ROW] }, params: { a: 1 } },
      { dataframe_records: [record, record] },
      { instances: [ADULT_ROW] },
      { inputs: Object.fromEntries(ADULT_COLUMNS.map((name, at) => [name, [ADULT_ROW[at]]])) },
      { columns: ADULT_COLUMNS, data: [ADULT_ROW] },
    ],
    error: ['error_code', 'message'],
  },
  {
    path: '/v1/models/adult:predict',
    bodies: [{ instances: [record] }, { instances: [ADULT_ROW], parameters: {}, signature_name: '' }],
    error: ['error'],
  },
  {
    path: '/v2/models/adult/infer',
    bodies: [
      { id: 'x', inputs: tensors, parameters: { binary_data_output: false }, outputs: [{ name: 'label' }] },
      { inputs: tensors.map((tensor) => ({ ...tensor, shape: [1, 1], parameters: { content_type: 'np' } })) },
    ],
    error: ['error'],
  },
];

/** Every place in a body, as a list of keys. */
function placesOf(value: unknown, path: readonly string[] = []): (readonly string[])[] {
  if (typeof value !== 'object' || value === null) return [path];
  return [path, ...Object.entries(value).flatMap(([key, inner]) => placesOf(inner, [...path, key]))];
}

/** The body with another value at one place. */
function replaced(value: unknown, [key, ...rest]: readonly string[], by: unknown): unknown {
  if (key === undefined) return by;
  const copy = (Array.isArray(value) ? [...(value as unknown[])] : { ...(value as object) }) as Record<
    string,
    unknown
  >;
  copy[key] = replaced(copy[key], rest, by);
  return copy;
}

function expectForm({ status, text, headers }: Answer, error: readonly string[]): void {
  expect(status).toBeLessThan(500);
  expect(text.length).toBeLessThan(64 * 1024);
  if (headers.get('content-type') === 'application/octet-stream') return;
  const body = JSON.parse(text) as Record<string, unknown>;
  if (status !== 200) expect(Object.keys(body)).toEqual(error);
  if (status !== 200) expect(Object.values(body).every((member) => typeof member === 'string')).toBe(true);
  if (status === 200) return;
  // Names stand in quotes.
  const sentence = String(Object.values(body).at(-1)).replace(/"(?:[^"\\]|\\.)*"/g, '""');
  expect(sentence).toMatch(/^[A-Z"](?!.*\. [A-Z"])[^\n]*\.$/);
}

describe.each(PROTOCOLS)('$path', ({ path, bodies, error }) => {
  const post = ({ request }: AppUnderTest, body: string): Promise<Answer> =>
    request(path, { method: 'POST', headers: { 'content-type': 'application/json' }, body });

  withApp('accepts valid bodies', async (app) => {
    for (const body of bodies) expect(await post(app, JSON.stringify(body))).toMatchObject({ status: 200 });
  });

  withApp('answers any JSON value at any place, or refuses it in its form of errors', async (app) => {
    const places = bodies.flatMap((body) => placesOf(body).map((place) => ({ body, place })));
    const value = fc.oneof(
      fc.jsonValue(),
      fc.constantFrom(null, [], {}, -1, 0.5, 2 ** 53, 1e300, '', 'BYTES', 'FP64', [[]], [null], {
        __proto__: null,
      }),
    );
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...places), value, async ({ body, place }, by) => {
        expectForm(await post(app, JSON.stringify(replaced(body, place, by))), error);
      }),
      RUNS,
    );
  });

  withApp('never repeats a value', async (app) => {
    const places = bodies.flatMap((body) =>
      placesOf(body)
        .filter((place) => /data|instances|inputs|dataframe/.test(place.join()) && !place.includes('columns'))
        .filter((place) => !['name', 'id'].includes(place.at(-1) ?? ''))
        .map((place) => ({ body, place })),
    );
    const mark = fc.constantFrom<unknown>(
      'zq81',
      '<zq81>',
      '\u0000zq81',
      918273645.5,
      ['zq81'],
      [918273645.5],
    );
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...places), mark, async ({ body, place }, by) => {
        expect((await post(app, JSON.stringify(replaced(body, place, by)))).text).not.toMatch(
          /zq81|918273645/,
        );
      }),
      RUNS,
    );
  });
});

withApp('a long name of a tensor makes no error of 64 KiB', async ({ request }) => {
  const name = 'x'.repeat(50_000);
  const data = Array.from({ length: 20 }, () => 300);
  const body = JSON.stringify({ inputs: [{ name, datatype: 'UINT8', shape: [20], data }] });
  const answer = await request('/v2/models/adult/infer', { method: 'POST', body: Buffer.from(body) });
  expect(answer.status).toBe(400);
  expect(answer.text.length).toBeLessThan(64 * 1024);
});
