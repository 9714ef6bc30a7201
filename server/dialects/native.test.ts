import { describe, expect, it } from 'vitest';
import { createEncoder } from '../encoding/encoder.ts';
import { Problem } from '../errors.ts';
import { createAnswerWriter, readTable } from './native.ts';

const NO_WARNINGS = createEncoder({ inputs: [] }).encode([], []);

function problemOf(text: string): Pick<Problem, 'code' | 'message' | 'extensions'> {
  try {
    readTable(text, []);
  } catch (error) {
    if (error instanceof Problem) return error;
    throw error;
  }
  throw new Error('the body was taken');
}

describe('readTable', () => {
  it.each([
    ['columns and rows', '{"columns":["a"],"data":[[1],[2]]}'],
    ['no rows', '{"columns":["a"],"data":[]}'],
    ['nothing in either', '{"columns":[],"data":[]}'],
    ["pandas' index", '{"columns":["a"],"index":["x","y"],"data":[[1],[2]]}'],
    ['white space', ' \r\n\t{ "data" : [ ] , "columns" : [ ] } \n'],
  ])('takes %s', (_, text) => {
    const { columns, data } = JSON.parse(text) as ReturnType<typeof readTable>;
    expect(readTable(text, [])).toEqual({ columns, data });
  });

  it.each([
    ['nothing', ''],
    ['white space', ' \n'],
    ['a truncated body', '{"columns":["a"],"data":[['],
    ['two bodies', '{"columns":[],"data":[]}{}'],
    ['a trailing comma', '{"columns":["a"],"data":[[1],]}'],
    ['single quotes', "{'columns':['a'],'data':[]}"],
    ['NaN', '{"columns":["a"],"data":[[NaN]]}'],
    ['Infinity', '{"columns":["a"],"data":[[-Infinity]]}'],
    ['a comment', '{"columns":["a"],"data":[]/* */}'],
    ['a control character in a string', '{"columns":["a\n"],"data":[]}'],
    ['a form', 'columns=a&data=1'],
  ])('refuses what is no JSON: %s', (_, text) => {
    expect(problemOf(text)).toMatchObject({ code: 'invalid_json', message: 'The body is not valid JSON.' });
  });

  it.each([
    ['null', /^The body must be a JSON object/],
    ['1', /^The body must be a JSON object/],
    ['"columns"', /^The body must be a JSON object/],
    ['[{"a":1}]', /^The body must be a JSON object/],
    ['{}', /^The body must be a JSON object/],
    ['{"instances":[]}', /^The body must be a JSON object/],
    ['{"data":[[1]]}', /has no "columns"/],
    ['{"columns":["a"]}', /has no "data"/],
    ['{"columns":null,"data":[]}', /^"columns" must be a list of strings/],
    ['{"columns":"a","data":[]}', /^"columns" must be a list of strings/],
    ['{"columns":["a",1],"data":[]}', /^"columns" must be a list of strings/],
    ['{"columns":{"a":0},"data":[]}', /^"columns" must be a list of strings/],
    ['{"columns":["a"],"data":null}', /^"data" must be a list of rows/],
    ['{"columns":["a"],"data":{"0":[1]}}', /^"data" must be a list of rows/],
    ['{"columns":["a"],"data":"[]"}', /^"data" must be a list of rows/],
    ['{"columns":["a"],"data":[],"index":[0]}', /^"index" must be a list as long as "data"/],
    ['{"columns":["a"],"data":[],"index":null}', /^"index" must be a list as long as "data"/],
    ['{"columns":["a"],"data":[[1]],"index":"x"}', /^"index" must be a list as long as "data"/],
    ['{"columns":["a"],"data":[],"dtypes":[]}', /a key other than/],
    ['{"columns":["a"],"data":[],"__proto__":{}}', /a key other than/],
    ['{"columns":["a"],"data":[],"":1}', /a key other than/],
  ])('refuses what is no table: %s', (text, message) => {
    const problem = problemOf(text);
    expect(problem.code).toBe('invalid_body');
    expect(problem.message).toMatch(message);
  });

  it('names the rows that are no lists, the first 20 of them', () => {
    const rows = [1, 'x', null, { a: 1 }, true];
    const text = JSON.stringify({ columns: ['a'], data: [[1], ...rows, [1]] });
    expect(problemOf(text)).toMatchObject({
      code: 'invalid_rows',
      extensions: {
        errors: rows.map((_, at) => ({ row: at + 1, message: 'expected a list of cells' })),
        errorsTotal: 5,
      },
    });
    const many = problemOf(JSON.stringify({ columns: ['a'], data: new Array(30).fill(0) }));
    expect([many.extensions.errors?.length, many.extensions.errorsTotal]).toEqual([20, 30]);
  });
});

describe('the writer of a classification', () => {
  const write = createAnswerWriter({
    output: { task: 'classification', label: 'l', probabilities: 'p', classes: [' "a"', 7] },
  });
  const answers = Float64Array.of(0, 0.75, 0.25, 1, 0.1, 0.9);

  it('gives the labels', () => {
    expect(JSON.parse(write(answers, NO_WARNINGS, false))).toEqual({ predictions: [' "a"', 7] });
  });

  it('adds probabilities, and the classes in the same order, where they are wanted', () => {
    expect(JSON.parse(write(answers, NO_WARNINGS, true))).toEqual({
      predictions: [' "a"', 7],
      probabilities: [
        [0.75, 0.25],
        [0.1, 0.9],
      ],
      classes: [' "a"', 7],
    });
  });

  it('gives empty lists for no rows', () => {
    expect(write(new Float64Array(0), NO_WARNINGS, false)).toBe('{"predictions":[]}');
    expect(JSON.parse(write(new Float64Array(0), NO_WARNINGS, true))).toEqual({
      predictions: [],
      probabilities: [],
      classes: [' "a"', 7],
    });
  });

  it('adds warnings and their number', () => {
    const warnings = [{ row: 0, column: '"c"', code: 'unknown_category', message: 'm' }] as const;
    const text = write(answers, { ...NO_WARNINGS, warnings, warningsTotal: 25 }, false);
    expect(JSON.parse(text)).toEqual({ predictions: [' "a"', 7], warnings, warningsTotal: 25 });
  });
});

describe('the writer of a regression', () => {
  it('gives the values with all their digits', () => {
    const write = createAnswerWriter({ output: { task: 'regression', value: 'v' } });
    const values = [1.5, -3, 0.1 + 0.2, 1e-9, 1e21];
    expect(JSON.parse(write(Float64Array.from(values), NO_WARNINGS, false))).toEqual({ predictions: values });
    expect(write(new Float64Array(0), NO_WARNINGS, true)).toBe('{"predictions":[]}');
  });
});
