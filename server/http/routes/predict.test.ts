import { expect } from 'vitest';
import { Problem } from '../../errors/problem.ts';
import { ADULT_COLUMNS, ADULT_ROW, adultBody, adultRow } from '../../testing/adult.ts';
import { expectProblem } from '../../testing/problem.ts';
import { withApp } from '../../testing/withApp.ts';

const LOW = ' <=50K';
const HIGH = ' >50K';
// The fake inference answers the age as the probability of the second class.
const rows = [adultRow({ age: 25 }), adultRow({ age: 75 })];

withApp('rows are answered in order', async ({ predict, inference }) => {
  const answer = await predict(adultBody(...rows));
  expect([answer.status, answer.text]).toEqual([200, `{"predictions":["${LOW}","${HIGH}"]}`]);
  expect(answer.headers.get('content-type')).toBe('application/json');
  expect(answer.headers.get('x-model')).toBe('adult/1');
  expect(answer.headers.get('server-timing')).toMatch(
    /^parse;dur=\d+\.\d{3}, queue;dur=1\.000, run;dur=2\.000$/,
  );
  expect(inference.calls.map((call) => call.rows.rows)).toEqual([2]);
  expect(inference.calls[0]?.options.requestId).toBe(answer.headers.get('x-request-id'));
});

withApp('probabilities are added on request', async ({ predict }) => {
  const answer = await predict(adultBody(...rows), '?probabilities=true');
  expect(JSON.parse(answer.text)).toEqual({
    predictions: [LOW, HIGH],
    probabilities: [
      [0.75, 0.25],
      [0.25, 0.75],
    ],
    classes: [LOW, HIGH],
  });
});

withApp('no rows give no predictions', async ({ predict }) => {
  const answer = await predict(adultBody());
  expect([answer.status, answer.text]).toEqual([200, '{"predictions":[]}']);
});

withApp('columns may stand in any order', async ({ predict }) => {
  const turn = <T>(list: readonly T[]): T[] => [...list.slice(5), ...list.slice(0, 5)];
  const answer = await predict({ columns: turn(ADULT_COLUMNS), data: rows.map(turn) });
  expect(answer.text).toBe(`{"predictions":["${LOW}","${HIGH}"]}`);
});

withApp('an error names all columns that do not match', async ({ predict, inference }) => {
  const columns = ['age', 'Workclass', 'x', 'x', ...ADULT_COLUMNS.slice(2)];
  const { detail, errors } = expectProblem(await predict({ columns, data: [] }), 'invalid_columns');
  expect(detail).toBe(
    'The columns do not match the model\'s signature: missing: "workclass"; unknown: "Workclass", "x"; more than once: "x"; names differ in letter case: send "workclass" for "Workclass".',
  );
  expect(errors).toBeUndefined();
  expect(inference.calls).toEqual([]);
});

withApp('extra columns are skipped on request', async ({ predict }) => {
  const body = { columns: ['x', ...ADULT_COLUMNS], data: rows.map((row) => [[1], ...row]) };
  expectProblem(await predict(body), 'invalid_columns');
  expect((await predict(body, '?extra=ignore')).text).toBe(`{"predictions":["${LOW}","${HIGH}"]}`);
});

withApp('an error names each bad cell', async ({ predict, inference }) => {
  const answer = await predict(
    adultBody(
      ADULT_ROW,
      adultRow({ age: '39', workclass: null, sex: 1 }),
      ADULT_ROW.slice(1),
      adultRow({ 'capital-gain': 2.5, 'capital-loss': true }),
    ),
  );
  const problem = expectProblem(answer, 'invalid_rows');
  expect(problem).toEqual({
    type: 'about:blank',
    title: 'Unprocessable Content',
    status: 422,
    detail: "Some rows do not match the model's signature.",
    code: 'invalid_rows',
    requestId: problem.requestId,
    errors: [
      { row: 1, column: 'age', message: 'expected an integer, found a string' },
      {
        row: 1,
        column: 'workclass',
        message: 'expected a string, found null (this column takes no missing value)',
      },
      { row: 1, column: 'sex', message: 'expected a string, found a number' },
      { row: 2, message: 'expected 14 cells, found 13' },
      { row: 3, column: 'capital-gain', message: 'expected an integer, found a fraction' },
      { row: 3, column: 'capital-loss', message: 'expected an integer, found a boolean' },
    ],
    errorsTotal: 6,
  });
  expect(inference.calls).toEqual([]);
});

withApp('a missing number is accepted', async ({ predict, inference }) => {
  expect((await predict(adultBody(adultRow({ fnlwgt: null })))).status).toBe(200);
  expect(inference.calls[0]?.rows.cells[2]).toBeNaN();
});

withApp('an unknown category is answered with a warning, and counted', async ({ predict, metrics }) => {
  const answer = await predict(adultBody(ADULT_ROW, adultRow({ workclass: 'Private', sex: ' Other' })));
  expect(JSON.parse(answer.text)).toEqual({
    predictions: [LOW, LOW],
    warnings: [
      {
        row: 1,
        column: 'workclass',
        code: 'unknown_category',
        message: 'unknown category: did you mean " Private"?',
      },
      { row: 1, column: 'sex', code: 'unknown_category', message: 'unknown category' },
    ],
    warningsTotal: 2,
  });
  expect(await metrics()).toContain('model_unknown_category_total{model="adult",column="sex"} 1');
});

withApp('a body that is not a table is refused', async ({ predict }) => {
  expectProblem(await predict('{"columns":["a"],"data":[[NaN]]}'), 'invalid_json');
  expectProblem(await predict([[1]]), 'invalid_body');
  expectProblem(await predict({ data: [] }), 'invalid_body');
  expectProblem(await predict({ columns: ADULT_COLUMNS, data: [{ age: 1 }] }), 'invalid_rows');
});

withApp('a shed request is 503, and counted', async ({ predict, inference, metrics }) => {
  for (const code of ['overloaded', 'draining'] as const) {
    inference.behaviour = () => Promise.reject(new Problem(code));
    expectProblem(await predict(adultBody(ADULT_ROW)), code);
    expect(await metrics()).toContain(`requests_shed_total{reason="${code}"} 1`);
  }
});

withApp('a late request is 504', async ({ predict, inference }) => {
  inference.behaviour = () => Promise.reject(new Problem('deadline_exceeded'));
  expectProblem(await predict(adultBody(ADULT_ROW)), 'deadline_exceeded');
});

withApp('answers and refused cells are counted', async ({ predict, metrics }) => {
  await predict(adultBody(...rows, rows[1]));
  await predict(adultBody(adultRow({ age: 'x' }), [1]));
  const text = await metrics();
  for (const line of [
    'inference_rows_total{model="adult",version="1"} 3',
    `model_predictions_total{model="adult",version="1",label="${LOW}"} 1`,
    `model_predictions_total{model="adult",version="1",label="${HIGH}"} 2`,
    'validation_errors_total{model="adult",column="age",reason="type"} 1',
    'validation_errors_total{model="adult",column="",reason="row"} 1',
    'http_request_body_bytes_count 2',
  ]) {
    expect(text).toContain(line);
  }
});
