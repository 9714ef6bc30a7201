import { readdirSync, readlinkSync } from 'node:fs';
import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib';
import { expect, it } from 'vitest';
import { createApp } from '../app.ts';
import { Problem } from '../../errors/problem.ts';
import { ADULT_COLUMNS, adultRow, loadAdult } from '../../testing/adult.ts';
import { expectProblem } from '../../testing/problem.ts';
import type { AppUnderTest } from '../../testing/withApp.ts';
import { MAX_FILE_BYTES, appDeps } from '../../testing/appDeps.ts';
import { MEMORY_BYTES, openSpool } from '../../platform/spool.ts';
import { withApp } from '../../testing/withApp.ts';
import { eventually, withDeadline } from '../../testing/withDeadline.ts';

const LOW = ' <=50K';
const HIGH = ' >50K';
const HEADER = ADULT_COLUMNS.join();
const line = (age: unknown): string => adultRow({ age }).join();
const BOUNDARY = 'x-boundary';

const part = (name: string, content: string | Buffer, file = true): Buffer =>
  Buffer.concat([
    Buffer.from(
      `--${BOUNDARY}\r\ncontent-disposition: form-data; name="${name}"${file ? '; filename="a.csv"' : ''}\r\n\r\n`,
    ),
    Buffer.from(content),
    Buffer.from('\r\n'),
  ]);
const form = (...parts: readonly Buffer[]): Buffer =>
  Buffer.concat([...parts, Buffer.from(`--${BOUNDARY}--\r\n`)]);

const post = (
  { request }: Pick<AppUnderTest, 'request'>,
  body: string | Uint8Array,
  query = '',
  headers: Readonly<Record<string, string>> = {},
) =>
  request(`/predict_file${query}`, {
    method: 'POST',
    headers: {
      'content-type': typeof body === 'string' ? 'text/csv' : `multipart/form-data; boundary=${BOUNDARY}`,
      ...headers,
    },
    body,
  });

withApp('a file is answered as JSON, sent as a form or as CSV', async (app) => {
  const file = `${HEADER}\r\n${line(25)}\r\n\r\n${line(75)}`;
  for (const body of [file, form(part('file', file)), form(part('x', `\uFEFF${file}`))]) {
    const answer = await post(app, body);
    expect([answer.status, answer.text]).toEqual([200, `{"predictions":["${LOW}","${HIGH}"]}`]);
    expect(answer.headers.get('x-model')).toBe('adult/1');
  }
  expect((await post(app, HEADER)).text).toBe('{"predictions":[]}');
  const probabilities = await post(app, `${line(75)}\n`, '?header=false&probabilities=true');
  expect(JSON.parse(probabilities.text)).toEqual({
    predictions: [HIGH],
    probabilities: [[0.25, 0.75]],
    classes: [LOW, HIGH],
  });
  expect(
    (
      await app.request('/models/adult/predict_file', {
        method: 'POST',
        headers: { 'content-type': 'text/csv' },
        body: file,
      })
    ).status,
  ).toBe(200);
});

withApp('with Accept of CSV the file comes back with predictions, its own text unchanged', async (app) => {
  const csv = { accept: 'text/csv' };
  // Quotes, formulas of spreadsheets, line ends of both kinds, none at the end.
  const odd = adultRow({ age: '"75"', workclass: '" ""=1+1"", 2\n"' }).join();
  const answer = await post(app, `${HEADER}\r\n${line(25)}\r\n${odd}\n${line(75)}`, '', csv);
  expect(answer.headers.get('content-type')).toBe('text/csv; charset=utf-8');
  expect(answer.text).toBe(
    `${HEADER},prediction\r\n${line(25)},${LOW}\r\n${odd},${HIGH}\n${line(75)},${HIGH}\n`,
  );
  const more = await post(app, `${line(75)}\n1\n`, '?header=false&probabilities=true&on_error=null', csv);
  expect(more.text).toBe(`${line(75)},${HIGH},0.25,0.75\n1,,,\n`);
  const titled = await post(app, HEADER, '?probabilities=true', csv);
  expect(titled.text).toBe(`${HEADER},prediction,probability_${LOW},probability_${HIGH}\n`);
  for (const accept of ['*/*', 'application/json, text/csv;q=0.5', 'text/csv;q=0, */*']) {
    expect((await post(app, HEADER, '', { accept })).headers.get('content-type')).toBe('application/json');
  }
  for (const accept of [
    'text/csv, */*',
    'text/csv, application/json',
    'text/*',
    'application/json;q=0.1, text/csv;q=0.2',
  ]) {
    expect([accept, (await post(app, HEADER, '', { accept })).headers.get('content-type')]).toEqual([
      accept,
      'text/csv; charset=utf-8',
    ]);
  }
  expectProblem(await post(app, HEADER, '', { accept: 'text/html' }), 'not_acceptable');
});

withApp(
  'a file of several pieces is answered in order, and bad rows are counted in all of it',
  async (app) => {
    const ages = Array.from({ length: 3000 }, (_, row) => (row % 7 === 0 ? 75 : 25));
    const file = (age: (age: number, row: number) => unknown): string =>
      `${HEADER}\n${ages.map((value, row) => `${line(age(value, row))}\n`).join('')}`;
    const labels = ages.map((age) => (age === 75 ? HIGH : LOW));
    const whole = await post(
      app,
      file((age) => age),
    );
    expect(JSON.parse(whole.text)).toEqual({ predictions: labels });
    expect(app.inference.calls.length).toBeGreaterThan(4);

    const bad = new Set([2, 1500, 2999]);
    const faulty = file((age, row) => (bad.has(row) ? 'x' : age));
    const errors = [...bad].map((row) => ({
      row,
      line: row + 2,
      column: 'age',
      message: 'expected an integer, found a string',
    }));
    expect(expectProblem(await post(app, faulty), 'invalid_rows')).toMatchObject({ errors, errorsTotal: 3 });
    const answered = await post(app, faulty, '?on_error=null');
    expect(JSON.parse(answered.text)).toEqual({
      predictions: labels.map((label, row) => (bad.has(row) ? null : label)),
      errors,
      errorsTotal: 3,
    });
  },
);

withApp('a piece waits for room in a full queue; without room in time the file is 503', async (app) => {
  const { behaviour } = app.inference;
  const file = `${HEADER}\n${line(75)}\n`;
  let refusals = 0;
  app.inference.behaviour = (...call) =>
    refusals++ < 2 ? Promise.reject(new Problem('overloaded')) : behaviour(...call);
  expect((await post(app, file)).text).toBe(`{"predictions":["${HIGH}"]}`);
  expect(await app.metrics()).toContain('requests_shed_total{reason="overloaded"} 0');
  app.inference.behaviour = () => Promise.reject(new Problem('overloaded'));
  expectProblem(await post(app, file), 'overloaded');
});

withApp('an invalid upload is refused with its reason', async (app) => {
  const file = `${HEADER}\n${line(75)}\n`;
  expectProblem(await post(app, '{}', '', { 'content-type': 'application/json' }), 'unsupported_media_type');
  for (const body of [
    form(),
    form(part('a', 'text', false)),
    form(part('a', file), part('b', file)),
    form(part('a', file)).subarray(0, -30),
    Buffer.from('no form'),
  ]) {
    expectProblem(await post(app, body), 'invalid_body');
  }
  expectProblem(await post(app, form(), '', { 'content-type': 'multipart/form-data; x=y' }), 'invalid_body');
  expectProblem(await post(app, ''), 'invalid_csv');
  expectProblem(await post(app, Buffer.from([0xff]), '', { 'content-type': 'text/csv' }), 'invalid_encoding');
  expectProblem(await post(app, line(75)), 'invalid_columns');
  expectProblem(await post(app, file, '?x=1'), 'invalid_parameter');
  expectProblem(await app.request('/predict_file'), 'method_not_allowed');
});

withApp('a compressed file is decompressed up to the limit', async (app) => {
  const file = Buffer.from(`${HEADER}\n${line(75)}\n`);
  const packed = { 'content-type': 'text/csv', 'content-encoding': 'gzip' };
  expect((await post(app, gzipSync(file), '', packed)).text).toBe(`{"predictions":["${HIGH}"]}`);
  expect((await post(app, gzipSync(form(part('a', file))), '', { 'content-encoding': 'gzip' })).status).toBe(
    200,
  );
  expectProblem(await post(app, file, '', packed), 'invalid_compression');
  expectProblem(await post(app, gzipSync(file).subarray(0, -9), '', packed), 'invalid_compression');
  expectProblem(
    await post(app, gzipSync(Buffer.alloc(MAX_FILE_BYTES + 1, '\n')), '', packed),
    'body_too_large',
  );
  expectProblem(
    await post(app, Buffer.alloc(MAX_FILE_BYTES + 1, '\n'), '', { 'content-type': 'text/csv' }),
    'body_too_large',
  );
});

withApp('a part of a form must be declared as text in UTF-8', async (app) => {
  const file = `${HEADER}\n${line(25)}\n`;
  const withHeaders = (headers: string): Buffer =>
    form(
      Buffer.concat([
        Buffer.from(
          `--${BOUNDARY}\r\ncontent-disposition: form-data; name="f"; filename="a.csv"\r\n${headers}\r\n`,
        ),
        Buffer.from(`${file}\r\n`),
      ]),
    );
  for (const headers of [
    'content-type: text/csv\r\n',
    'Content-Type: text/csv; Charset="UTF-8"\r\n',
    'content-type: text/plain; header=present; charset=us-ascii\r\n',
    'content-transfer-encoding: 8bit\r\n',
  ])
    expect((await post(app, withHeaders(headers))).status, headers).toBe(200);
  for (const headers of [
    'content-type: text/csv; charset=iso-8859-1\r\n',
    'content-type: text/csv;charset = "utf-16"\r\n',
    'content-type: text/csv; charset=\r\n',
    'content-transfer-encoding: base64\r\n',
    'Content-Transfer-Encoding: quoted-printable\r\n',
  ])
    expectProblem(await post(app, withHeaders(headers)), 'unsupported_media_type');
});

withApp('bytes after the end of a compressed file are refused', async (app) => {
  const file = Buffer.from(`${HEADER}\n${line(25)}\n`);
  for (const [coding, pack] of [
    ['gzip', gzipSync],
    ['deflate', deflateSync],
    ['br', brotliCompressSync],
  ] as const) {
    const headers = { 'content-type': 'text/csv', 'content-encoding': coding };
    expect((await post(app, pack(file), '', headers)).status).toBe(200);
    const more = Buffer.concat([pack(file), Buffer.from('more')]);
    expectProblem(await post(app, more, '', headers), 'invalid_compression');
  }
});

withApp('a form without an end is refused', async (app) => {
  const head = `--${BOUNDARY}\r\ncontent-disposition: form-data; name="f"; filename="a.csv"`;
  for (const body of [
    // Unfinished headers of a part, bytes after the end, an empty body.
    `${head}\r\n\n\r\n${HEADER}\r\n--${BOUNDARY}--\r\n`,
    `--${BOUNDARY}--b\r\n${head.slice(head.indexOf('\n') + 1)}\r\n\r\n${HEADER}\r\n--${BOUNDARY}--\r\n`,
    '',
    '\r\n',
    `--${BOUNDARY}--`,
    head,
  ])
    expectProblem(await post(app, Buffer.from(body)), 'invalid_body');
});

/** The spools that this process has open. */
const openSpools = (): number =>
  readdirSync('/proc/self/fd').filter((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`).includes('spool-');
    } catch {
      return false; // Closed in between.
    }
  }).length;

const different = (at: number): string =>
  adultRow({ age: at % 90, fnlwgt: (at * 48_271) % 1_000_003 }).join();

it.each(['identity', 'br'])('an answer as %s ends when its client disconnects', async (coding) => {
  // So that its spools have to be on disk, where they can be counted.
  const full = openSpool('/nowhere');
  await full.append(new Uint8Array(MEMORY_BYTES));
  const app = createApp(appDeps([await loadAdult()]));
  const answer = await app.request(
    '/predict_file',
    {
      method: 'POST',
      headers: { 'content-type': 'text/csv', accept: 'text/csv', 'accept-encoding': coding },
      // Different rows, so that they don't all fit into the first compressed bytes.
      body: [HEADER, ...Array.from({ length: 8000 }, (_, at) => different(at))].join('\n'),
    },
    {},
  );
  expect([answer.status, answer.headers.get('content-encoding')]).toEqual([
    200,
    coding === 'br' ? 'br' : null,
  ]);
  const reader = answer.body!.getReader();
  await reader.read();
  expect(openSpools()).toBe(2);
  await withDeadline('the end of the answer', reader.cancel());
  await eventually('its spools are freed', () => openSpools() === 0);
  await full.close();
});
