import { expect } from 'vitest';
import { ADULT_COLUMNS, ADULT_ROW, adultBody } from '../../testing/adult.ts';
import { expectProblem } from '../../testing/problem.ts';
import type { AppUnderTest } from '../../testing/withApp.ts';
import { withApp } from '../../testing/withApp.ts';

const FORM = { 'content-type': 'application/x-www-form-urlencoded' };
const CSV = 'text/csv';
const row = ADULT_ROW;
const record = Object.fromEntries(ADULT_COLUMNS.map((name, at) => [name, row[at]]));
const bareCsv = `${row.join(',')}\n`;
const withHeader = `${ADULT_COLUMNS.join(',')}\n${bareCsv}`;

const post = (app: AppUnderTest, path: string, body: unknown, headers: Record<string, string>) =>
  app.request(path, {
    method: 'POST',
    headers,
    body: Buffer.from(typeof body === 'string' ? body : JSON.stringify(body)),
  });
const predictionsOf = (text: string): unknown[] =>
  (JSON.parse(text) as { predictions: unknown[] }).predictions;

withApp("curl's default type is read as JSON on each prediction route", async (app) => {
  const v2 = {
    inputs: ADULT_COLUMNS.map((name, at) => {
      const cell = row[at];
      return { name, datatype: typeof cell === 'string' ? 'BYTES' : 'FP64', shape: [1, 1], data: [cell] };
    }),
  };
  for (const [path, body] of [
    ['/predict', adultBody(ADULT_ROW)],
    ['/models/adult/predict', adultBody(ADULT_ROW)],
    ['/v1/models/adult:predict', { instances: [row] }],
    ['/v2/models/adult/infer', v2],
    ['/invocations', { dataframe_split: adultBody(ADULT_ROW) }],
  ] as const) {
    const answer = await post(app, path, body, FORM);
    expect([path, answer.status]).toEqual([path, 200]);
  }
  expectProblem(await post(app, '/predict', 'age=25&sex=Male', FORM), 'invalid_json');
});

withApp("CSV's own parameter says whether there is a header", async (app) => {
  for (const path of ['/predict', '/predict_file', '/invocations']) {
    const ask = async (type: string, body: string, query = '') => {
      const { status, text } = await post(app, path + query, body, { 'content-type': type });
      return status === 200 ? predictionsOf(text).length : status;
    };
    expect([path, await ask(`${CSV}; header=absent`, bareCsv.repeat(2))]).toEqual([path, 2]);
    expect([path, await ask(`${CSV}; Header="Present"; charset=UTF8`, withHeader)]).toEqual([path, 1]);
    const refused = path === '/invocations' ? 400 : 422;
    expect([path, await ask(`${CSV}; header=present`, bareCsv)]).toEqual([path, refused]);
    expect([path, await ask(`${CSV}; header=absent`, withHeader)]).toEqual([path, refused]);
    if (path === '/invocations') continue;
    expect([path, await ask(`${CSV}; header=absent`, bareCsv, '?header=false')]).toEqual([path, 1]);
    expect([path, await ask(`${CSV}; header=present`, withHeader, '?header=false')]).toEqual([path, 400]);
  }
});

withApp('a part of a form has the parameter, too', async (app) => {
  const part = (type: string, file: string) =>
    `--x\r\ncontent-disposition: form-data; name="file"; filename="a.csv"\r\ncontent-type: ${type}\r\n\r\n${file}\r\n--x--\r\n`;
  const ask = (body: string) =>
    post(app, '/predict_file', body, { 'content-type': 'multipart/form-data; boundary=x' });
  expect(predictionsOf((await ask(part(`${CSV}; header=absent`, bareCsv))).text)).toHaveLength(1);
  expect(predictionsOf((await ask(part(`${CSV}; charset=utf8`, withHeader))).text)).toHaveLength(1);
  expectProblem(await ask(part(CSV, bareCsv)), 'invalid_columns');
});

withApp('/invocations takes a first line that is a row as one, and counts it', async (app) => {
  const ask = async (body: string) => {
    const { status, text } = await post(app, '/invocations', body, { 'content-type': CSV });
    return status === 200 ? predictionsOf(text).length : text;
  };
  const counted = async () =>
    Number(/^csv_header_absent_total\{model="adult"\} (\d+)/m.exec(await app.metrics())?.[1] ?? 0);
  expect(await ask(bareCsv.repeat(3))).toBe(3);
  expect(await counted()).toBe(1);
  expect(await ask(withHeader)).toBe(1);
  // Another letter case, a frame without names, another width, a text for a number: no row.
  const first = (line: string) => ask(`${line}\n${bareCsv}`);
  for (const line of [
    ADULT_COLUMNS.join(',').toUpperCase(),
    ADULT_COLUMNS.map((_, at) => at).join(','),
    row.slice(1).join(','),
    ['x', ...row.slice(1)].join(','),
  ])
    expect(await first(line)).toMatch(/error_code/);
  expect(await counted()).toBe(1);
});

withApp('JSON Lines are rows, and are answered in kind', async (app) => {
  const body = `${JSON.stringify(record)}\n\n${JSON.stringify(record)}\n`;
  for (const type of ['application/jsonlines', 'application/x-ndjson; charset=utf-8'])
    for (const path of ['/predict', '/invocations']) {
      const json = await post(app, path, body, { 'content-type': type });
      expect(predictionsOf(json.text)).toHaveLength(2);
      const [accept = ''] = type.split(';');
      const lines = await post(app, path, body, { 'content-type': type, accept });
      expect([lines.status, lines.headers.get('content-type')]).toEqual([200, accept]);
      const [prediction] = predictionsOf(json.text);
      expect(lines.text).toBe(`${JSON.stringify({ prediction })}\n`.repeat(2));
    }
  const arrays = `${JSON.stringify(row)}\n`.repeat(2);
  const listed = await post(app, '/predict', arrays, { 'content-type': 'application/x-ndjson' });
  expect(predictionsOf(listed.text)).toHaveLength(2);
});

withApp('the answer may be JSON Lines for any body; notes are with their row', async (app) => {
  const type = 'application/x-ndjson';
  const bad = { ...record, age: 'x' };
  const rare = { ...record, workclass: 'Sailor' };
  const body = [record, bad, rare].map((one) => JSON.stringify(one)).join('\n');
  const answer = await post(app, '/predict?on_error=null&probabilities=true', body, {
    'content-type': type,
    accept: `${type}, application/json;q=0.5`,
  });
  const lines = answer.text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
  expect(lines).toHaveLength(3);
  expect(lines.map((line) => Object.keys(line))).toEqual([
    ['prediction', 'probabilities'],
    ['prediction', 'errors'],
    ['prediction', 'probabilities', 'warnings'],
  ]);
  expect(lines[1]).toMatchObject({ prediction: null, errors: [{ row: 1, line: 2, column: 'age' }] });
  const preferred = await post(app, '/predict', body.split('\n')[0], {
    'content-type': type,
    accept: `application/json, ${type};q=0.5`,
  });
  expect(preferred.headers.get('content-type')).toBe('application/json');
});

withApp('a fault in JSON Lines has its place in the whole body', async (app) => {
  const ask = (body: string) => post(app, '/predict', body, { 'content-type': 'application/x-ndjson' });
  const { detail } = expectProblem(await ask(`${JSON.stringify(record)}\n{"age": NaN}\n`), 'invalid_json');
  expect(detail).toMatch(/line 2, column 9/);
  expectProblem(await ask('\n \n'), 'invalid_json');
});
