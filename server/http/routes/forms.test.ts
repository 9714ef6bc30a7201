import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib';
import { expect } from 'vitest';
import { ADULT_COLUMNS, adultBody, adultRow } from '../../testing/adult.ts';
import { expectProblem } from '../../testing/problem.ts';
import { MAX_BODY_BYTES } from '../../testing/appDeps.ts';
import { withApp } from '../../testing/withApp.ts';

const LOW = ' <=50K';
const HIGH = ' >50K';
const CSV = { 'content-type': 'text/csv' };
// The fake inference answers the age as the probability of the second class.
const young = adultRow({ age: 25 });
const old = adultRow({ age: 75 });

const record = (row: readonly unknown[]): Record<string, unknown> =>
  Object.fromEntries(ADULT_COLUMNS.map((name, at) => [name, row[at]]));
const columnwise = (...rows: readonly (readonly unknown[])[]): Record<string, unknown> =>
  Object.fromEntries(ADULT_COLUMNS.map((name, at) => [name, rows.map((row) => row[at])]));
const header = ADULT_COLUMNS.join();
const csv = (...rows: readonly (readonly unknown[])[]): string =>
  rows.map((row) => `${row.join()}\n`).join('');

withApp('every form of a body gives the same answer', async ({ predict }) => {
  const bodies: [unknown, string, Record<string, string>][] = [
    [adultBody(young, old), '', {}],
    [[record(young), record(old)], '', {}],
    [columnwise(young, old), '', {}],
    [`${header}\n${csv(young, old)}`, '', CSV],
    [csv(young, old), '?header=false', { 'content-type': 'Text/CSV; charset=UTF-8' }],
  ];
  for (const [body, query, headers] of bodies) {
    expect((await predict(body, query, headers)).text).toBe(`{"predictions":["${LOW}","${HIGH}"]}`);
  }
  expect((await predict(record(old))).text).toBe(`{"predictions":["${HIGH}"]}`);
});

withApp('no rows give no predictions, in every form', async ({ predict }) => {
  for (const body of [[], columnwise()]) expect((await predict(body)).text).toBe('{"predictions":[]}');
  expect((await predict(header, '', CSV)).text).toBe('{"predictions":[]}');
  expect((await predict('', '?header=false', CSV)).text).toBe('{"predictions":[]}');
});

withApp('an error names what a record lacks, and what is unknown', async ({ predict }) => {
  const short = record(young);
  delete short['workclass'];
  const { errors } = expectProblem(await predict([record(young), short, 5]), 'invalid_rows');
  expect(errors).toEqual([
    { row: 1, column: 'workclass', message: 'expected a string, found nothing' },
    { row: 2, message: 'expected an object' },
  ]);
  expect(expectProblem(await predict([short]), 'invalid_columns').detail).toMatch(/missing: "workclass"\.$/);
  const more = [record(young), { ...record(old), extra: { any: 1 } }];
  expect(expectProblem(await predict(more), 'invalid_columns').detail).toMatch(/unknown: "extra"\.$/);
  expect((await predict(more, '?extra=ignore')).status).toBe(200);
});

withApp(
  'the column decides how a cell of a CSV is read, and an error names row and line',
  async ({ predict, inference }) => {
    const cells = adultRow({ age: ' 75 ', fnlwgt: '', 'capital-gain': 'NA', sex: '' });
    const { errors } = expectProblem(
      await predict(`${header}\n\n${csv(young, cells, [1])}`, '', CSV),
      'invalid_rows',
    );
    expect(errors).toEqual([
      {
        row: 1,
        line: 4,
        column: 'sex',
        message: 'expected a string, found null (this column takes no missing value)',
      },
      {
        row: 1,
        line: 4,
        column: 'capital-gain',
        message: 'expected an integer, found a text for a missing value, such as NA: leave the cell empty',
      },
      { row: 2, line: 5, message: 'expected 14 cells, found 1' },
    ]);
    const taken = adultRow({ age: ' 75 ', fnlwgt: '', workclass: '" Private"' });
    expect((await predict(`${header}\r\n${taken.join()}`, '', CSV)).text).toBe(`{"predictions":["${HIGH}"]}`);
    expect(inference.calls[0]?.rows.cells[2]).toBeNaN();
  },
);

withApp('an error names the line of broken CSV', async ({ predict }) => {
  expectProblem(await predict('', '', CSV), 'invalid_csv');
  const { errors } = expectProblem(await predict(`${header}\n"a`, '', CSV), 'invalid_csv');
  expect(errors).toEqual([{ row: 0, line: 2, message: 'a quote is opened, but never closed' }]);
  const { detail } = expectProblem(await predict(csv(young), '', CSV), 'invalid_columns');
  expect(detail).toMatch(/the header line seems to be missing/);
  expect(detail).not.toMatch(/Private|25/);
  expectProblem(await predict(Buffer.from([0x61, 0xff]), '', CSV), 'invalid_encoding');
});

withApp(
  'with on_error=null the good rows are answered, and the bad ones are null',
  async ({ predict, metrics }) => {
    const rows = [
      adultRow({ age: 'x' }),
      old,
      [1],
      young,
      5,
      adultRow({ age: 75, workclass: 'Privat', sex: 1.5 }),
    ];
    const answer = await predict(
      adultBody(...rows, adultRow({ sex: 'x' })),
      '?on_error=null&probabilities=true',
    );
    expect(JSON.parse(answer.text)).toEqual({
      predictions: [null, HIGH, null, LOW, null, null, LOW],
      probabilities: [null, [0.25, 0.75], null, [0.75, 0.25], null, null, [0.75, 0.25]],
      classes: [LOW, HIGH],
      warnings: [{ row: 6, column: 'sex', code: 'unknown_category', message: 'unknown category' }],
      warningsTotal: 1,
      errors: [
        { row: 0, column: 'age', message: 'expected an integer, found a string' },
        { row: 2, message: 'expected 14 cells, found 1' },
        { row: 4, message: 'expected a list of cells' },
        { row: 5, column: 'sex', message: 'expected a string, found a number' },
      ],
      errorsTotal: 4,
    });
    expect(answer.status).toBe(200);
    expect(await metrics()).toContain('validation_errors_total{model="adult",column="age",reason="type"} 1');
    expect((await predict(adultBody([1]), '?on_error=null')).text).toMatch(
      /^\{"predictions":\[null\],"errors":/,
    );
    expect((await predict(adultBody(old), '?on_error=null')).text).toBe(`{"predictions":["${HIGH}"]}`);
    expectProblem(await predict({ columns: ['age'], data: [] }, '?on_error=null'), 'invalid_columns');
  },
);

withApp('a query holds one row', async ({ request }) => {
  const query = (row: Record<string, unknown>): string =>
    `/predict?${new URLSearchParams(row as Record<string, string>).toString()}`;
  expect((await request(query(record(old)))).text).toBe(`{"predictions":["${HIGH}"]}`);
  const more = await request(`${query(record(old))}&probabilities=true&x=1&extra=ignore`);
  expect(JSON.parse(more.text)).toMatchObject({ probabilities: [[0.25, 0.75]] });

  const { errors } = expectProblem(
    await request(query({ ...record(old), age: '7x', fnlwgt: '1.5' })),
    'invalid_rows',
  );
  expect(errors).toEqual([
    { row: 0, column: 'age', message: 'expected an integer, found a string' },
    { row: 0, column: 'fnlwgt', message: 'expected an integer, found a fraction' },
  ]);
  expectProblem(await request('/predict?age=39'), 'invalid_columns');
  expect(expectProblem(await request(`${query(record(old))}&age=1`), 'invalid_columns').detail).toMatch(
    /more than once: "age"/,
  );
  expectProblem(await request(`${query(record(old))}&extra=skip`), 'invalid_parameter');
  expectProblem(await request('/predict?age=%ff'), 'invalid_parameter');
  expectProblem(await request('/predict?probabilities=true'), 'invalid_columns');
});

withApp('the parameter header is for CSV only', async ({ predict }) => {
  expectProblem(await predict(adultBody(old), '?header=false'), 'invalid_parameter');
});

withApp('a path names a model, or a version of it', async ({ request }) => {
  const post = (path: string) =>
    request(path, {
      method: 'POST',
      body: JSON.stringify(adultBody(old)),
      headers: { 'content-type': 'application/json' },
    });
  for (const path of ['/models/adult/predict', '/models/adult/versions/1/predict']) {
    expect((await post(path)).text).toBe(`{"predictions":["${HIGH}"]}`);
    expect(JSON.parse((await request(path)).text)).toMatchObject({ path, model: 'adult/1' });
  }
  expect((await request('/models/adult/versions/1')).status).toBe(200);
  for (const version of ['2', '0', '01', '-1', '1.0', 'x', '1e0', '9'.repeat(30)]) {
    expectProblem(await request(`/models/adult/versions/${version}`), 'model_not_found');
    expectProblem(await post(`/models/adult/versions/${version}/predict`), 'model_not_found');
  }
  const unknown = await post('/models/secret/predict');
  expectProblem(unknown, 'model_not_found');
  expect(unknown.text).not.toContain('secret');
});

withApp('a compressed body is decompressed up to the limit', async ({ predict }) => {
  const body = Buffer.from(JSON.stringify(adultBody(old)));
  const packed: [string, Buffer][] = [
    ['gzip', gzipSync(body)],
    ['GZIP', gzipSync(body)],
    ['x-gzip', gzipSync(body)],
    ['deflate', deflateSync(body)],
    ['br', brotliCompressSync(body)],
    ['identity', body],
  ];
  for (const [coding, bytes] of packed) {
    const answer = await predict(bytes, '', { 'content-encoding': coding });
    expect([coding, answer.text]).toEqual([coding, `{"predictions":["${HIGH}"]}`]);
    if (coding === 'identity') continue;
    for (const bad of [body, bytes.subarray(0, -9), Buffer.concat([bytes, Buffer.from('x')])]) {
      expectProblem(await predict(bad, '', { 'content-encoding': coding }), 'invalid_compression');
    }
  }
  const bomb = gzipSync(Buffer.alloc(MAX_BODY_BYTES + 1, ' '));
  expectProblem(await predict(bomb, '', { 'content-encoding': 'gzip' }), 'body_too_large');
  for (const coding of ['gzip, br', 'identity, gzip', 'compress', 'secret', 'gzip;q=1']) {
    const answer = await predict(body, '', { 'content-encoding': coding });
    expectProblem(answer, 'unsupported_media_type');
    expect(answer.headers.get('accept-encoding')).toMatch(/^gzip, deflate, br/);
    expect(answer.text).not.toContain('secret');
  }
});
