import { expect } from 'vitest';
import { ADULT_COLUMNS, adultBody, adultRow } from '../../testing/adult.ts';
import { expectProblem } from '../../testing/problem.ts';
import { withApp } from '../../testing/withApp.ts';

const LINES = 'application/jsonlines';
const ND = 'application/x-ndjson';
// The fake inference answers the age as the probability of the second class.
const young = adultRow({ age: 25 });
const old = adultRow({ age: 75 });
const record = (row: readonly unknown[]): Record<string, unknown> =>
  Object.fromEntries(ADULT_COLUMNS.map((name, at) => [name, row[at]]));
const lines = (...rows: readonly unknown[]): string => rows.map((row) => `${JSON.stringify(row)}\n`).join('');
const LOW = ' <=50K';
const HIGH = ' >50K';
const ANSWER = `{"predictions":["${LOW}","${HIGH}"]}`;

withApp('JSON Lines are a row a line, as objects or as lists, for /predict and /invocations', async (app) => {
  const bodies = [
    lines(record(young), record(old)),
    lines(young, old),
    `\n ${lines(young)}\r\n \t\n${JSON.stringify(old)}`,
    `\uFEFF${lines(record(young), record(old))}`,
    lines(young, old).replaceAll('\n', '\r\n'),
  ];
  for (const path of [
    '/predict',
    '/models/adult/predict',
    '/models/adult/versions/1/predict',
    '/invocations',
  ])
    for (const type of [LINES, ND, 'Application/JsonLines; charset=UTF-8'])
      for (const body of bodies) {
        const answer = await app.request(path, { method: 'POST', headers: { 'content-type': type }, body });
        expect([path, type, answer.status, answer.text]).toEqual([path, type, 200, ANSWER]);
        expect(answer.headers.get('content-type')).toBe('application/json');
      }
});

withApp('no other route takes them', async ({ request }) => {
  for (const path of ['/v1/models/adult:predict', '/v2/models/adult/infer', '/predict_file']) {
    const init = { method: 'POST', headers: { 'content-type': LINES }, body: lines(old) };
    expect([path, (await request(path, init)).status]).toEqual([path, 415]);
  }
});

withApp('the answer is JSON Lines where Accept names them and does not prefer JSON', async (app) => {
  const wanted = `{"prediction":"${LOW}"}\n{"prediction":"${HIGH}"}\n`;
  for (const [path, body, type] of [
    ['/predict', lines(young, old), LINES],
    ['/predict', JSON.stringify(adultBody(young, old)), 'application/json'],
    ['/predict', `${ADULT_COLUMNS.join()}\n${young.join()}\n${old.join()}\n`, 'text/csv'],
    ['/invocations', lines(record(young), record(old)), LINES],
    ['/invocations', JSON.stringify({ instances: [young, old] }), 'application/json'],
  ] as const) {
    const ask = (accept: string): ReturnType<typeof app.request> =>
      app.request(path, { method: 'POST', headers: { 'content-type': type, accept }, body });
    for (const [accept, answered] of [
      [LINES, LINES],
      [ND, ND],
      ['Application/JSONLines', LINES],
      [`${ND}, ${LINES}`, LINES],
      [`application/json;q=0.5, ${ND}`, ND],
      [`${LINES}, */*`, LINES],
      [`${LINES};q=0.5, */*;q=0.1`, LINES],
    ] as const) {
      const { status, headers, text } = await ask(accept);
      expect([accept, status, text, headers.get('content-type')]).toEqual([accept, 200, wanted, answered]);
      expect(headers.get('x-model')).toBe('adult/1');
    }
    for (const accept of [`${LINES};q=0.5, application/json`, `${LINES};q=0, */*`, 'application/*', '*/*'])
      expect((await ask(accept)).text).toBe(ANSWER);
  }
  const refused = await app.predict(lines(old), '', { 'content-type': LINES, accept: 'text/plain' });
  expectProblem(refused, 'not_acceptable');
  expectProblem(
    await app.predict(lines(old), '', { 'content-type': LINES, accept: `${LINES};q=0` }),
    'not_acceptable',
  );
});

withApp('probabilities, warnings and errors stand on the line of their row', async ({ predict }) => {
  const strange = adultRow({ age: 75, workclass: 'x' });
  const { text } = await predict(
    lines(young, [1], strange, adultRow({ age: 'x' })) + `${JSON.stringify(old).slice(0, -1)}\n`,
    '?probabilities=true&on_error=null',
    { 'content-type': LINES, accept: LINES },
  );
  expect(text.endsWith('\n')).toBe(true);
  const answers = text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as unknown);
  const end = JSON.stringify(old).length;
  expect(answers).toEqual([
    { prediction: LOW, probabilities: [0.75, 0.25] },
    { prediction: null, errors: [{ row: 1, line: 2, message: 'expected 14 cells, found 1' }] },
    {
      prediction: HIGH,
      probabilities: [0.25, 0.75],
      warnings: [expect.objectContaining({ row: 2, column: 'workclass', code: 'unknown_category' })],
    },
    {
      prediction: null,
      errors: [{ row: 3, line: 4, column: 'age', message: 'expected an integer, found a string' }],
    },
    {
      prediction: null,
      errors: [
        {
          row: 4,
          line: 5,
          message: `the line is not valid JSON at column ${end}: the text ends too early, as if it were cut off`,
        },
      ],
    },
  ]);
});

withApp('an error names the row and its line', async ({ predict, request }) => {
  const body = `${lines(record(young))}\n${lines([1], record(adultRow({ age: 'x' })))}`;
  const { errors, errorsTotal } = expectProblem(
    await predict(body, '', { 'content-type': LINES }),
    'invalid_rows',
  );
  expect(errors).toEqual([
    { row: 1, line: 3, message: 'expected an object' },
    { row: 2, line: 4, column: 'age', message: 'expected an integer, found a string' },
  ]);
  expect(errorsTotal).toBe(2);
  const invoked = await request('/invocations', { method: 'POST', headers: { 'content-type': ND }, body });
  expect(invoked.status).toBe(400);
  expect(invoked.text).toMatch(/row 1 \(line 3\): .*row 2 \(line 4\)/);
});

withApp('a line that is no JSON is an invalid row for on_error=null alone', async ({ predict }) => {
  const type = { 'content-type': LINES };
  const { detail } = expectProblem(await predict(`${lines(old)}{'age': 25}\n`, '', type), 'invalid_json');
  expect(detail).toMatch(/line 2, column 2/);
  const text = `x\n${lines(record(old))}{'age': 25}\n`;
  expectProblem(await predict(text, '', type), 'invalid_json');
  const skipped = await predict(text, '?on_error=null', type);
  expect(JSON.parse(skipped.text)).toMatchObject({
    predictions: [null, HIGH, null],
    errors: [
      { row: 0, line: 1 },
      { row: 2, line: 3, message: expect.stringMatching(/not valid JSON at column 2: /) as string },
    ],
    errorsTotal: 2,
  });
  const nulls = await predict('x\ny\n', '?on_error=null', type);
  expect(JSON.parse(nulls.text)).toMatchObject({ predictions: [null, null], errorsTotal: 2 });
});

withApp('a JSON text over several lines is named', async ({ predict }) => {
  for (const body of [[record(old)], adultBody(old), record(old)]) {
    const { detail } = expectProblem(
      await predict(JSON.stringify(body, undefined, 2), '', { 'content-type': LINES }),
      'invalid_json',
    );
    expect(detail).toMatch(/send the body as application\/json, or write each row on one line\.$/);
  }
});

withApp('parameters of CSV are refused beside JSON Lines', async ({ predict }) => {
  const answer = await predict(lines(old), '?header=false', { 'content-type': LINES });
  expectProblem(answer, 'invalid_parameter');
});

withApp('10,000 lines of garbage are refused in the time of one pass', async ({ predict }) => {
  const start = performance.now();
  await predict('{"a":\n'.repeat(10_000), '', { 'content-type': LINES });
  await predict(' '.repeat(200_000), '', { 'content-type': LINES });
  await predict(`${'['.repeat(1000)}\n`.repeat(200), '', { 'content-type': LINES });
  expect(performance.now() - start).toBeLessThan(5000);
});
