import { describe, expect, it } from 'vitest';
import { createEncoder } from '../encoding/encoder.ts';
import { Problem } from '../errors/problem.ts';
import type { Table } from '../model/rows.ts';
import { createNativeWriter, readNativeRows, withNulls } from './native.ts';

const NO_WARNINGS = createEncoder({ inputs: [] }).encode([], []);

function problemOf(text: string): Pick<Problem, 'code' | 'message' | 'extensions'> {
  try {
    readNativeRows(text, []);
  } catch (error) {
    if (error instanceof Problem) return error;
    throw error;
  }
  throw new Error('the body was taken');
}

describe('readNativeRows', () => {
  it.each([
    ['columns and rows', '{"columns":["a"],"data":[[1],[2]]}'],
    ['no rows', '{"columns":["a"],"data":[]}'],
    ['nothing in either', '{"columns":[],"data":[]}'],
    ["pandas' index", '{"columns":["a"],"index":["x","y"],"data":[[1],[2]]}'],
    ['white space', ' \r\n\t{ "data" : [ ] , "columns" : [ ] } \n'],
  ])('takes %s', (_, text) => {
    const { columns, data } = JSON.parse(text) as Table;
    expect(readNativeRows(text, [])).toEqual({ table: { columns, data }, single: false });
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
  ])('refuses invalid JSON: %s', (_, text) => {
    const { code, message } = problemOf(text);
    expect([code, message]).toEqual([
      'invalid_json',
      expect.stringMatching(/^The (body is not valid JSON at|text is empty)/),
    ]);
  });

  it.each([
    ['null', /^The body must be a JSON object/],
    ['1', /^The body must be a JSON object/],
    ['"columns"', /^The body must be a JSON object/],
    [
      JSON.stringify('{"columns":["a"],"data":[[1]]}'),
      /^The body was encoded twice: pass the object or list, not its text as JSON\.$/,
    ],
    [JSON.stringify(JSON.stringify('[{"a":1}]')), /^The body was encoded twice/],
    ['["{\\"a\\":1}"]', /^A row was encoded twice/],
    ['{"columns":"[\\"a\\"]","data":[]}', /^"columns" was encoded twice/],
    [
      '{"a":{"0":1,"1":2},"b":{"0":3,"1":4}}',
      /^The body has the form of pandas' to_json\(orient="index"\), in which/,
    ],
    ['{"0":{"a":1},"1":{"a":2}}', /orient="index"/],
    ['{"a":1,"b":[2]}', /^The body holds lists beside single values/],
    ['{"a":[1],"b":[2,3]}', /^The lists differ in length: "a" has 1 cells, "b" has 2\.$/],
    ['[1]', /^A list must hold one object a row/],
    ['[[1,2]]', /^A list must hold one object a row/],
    ['{"data":[[1]]}', /has no "columns"/],
    ['{"columns":["a"]}', /has no "data"/],
    ['{"columns":null,"data":[]}', /^"columns" must be a list of strings/],
    ['{"columns":"a","data":[]}', /^"columns" must be a list of strings/],
    ['{"columns":["a",null],"data":[]}', /^"columns" must be a list of strings/],
    ['{"columns":["a",0.5],"data":[]}', /^"columns" must be a list of strings/],
    ['{"columns":{"a":0},"data":[]}', /^"columns" must be a list of strings/],
    ['{"columns":["a"],"data":null}', /^"data" must be a list of rows/],
    ['{"columns":["a"],"data":{"0":[1]}}', /^"data" must be a list of rows/],
    ['{"columns":["a"],"data":"[]"}', /^"data" was encoded twice/],
    ['{"columns":["a"],"data":"x"}', /^"data" must be a list of rows/],
    ['{"columns":["a"],"data":[],"index":[0]}', /^"index" must be a list as long as "data"/],
    ['{"columns":["a"],"data":[],"index":null}', /^"index" must be a list as long as "data"/],
    ['{"columns":["a"],"data":[[1]],"index":"x"}', /^"index" must be a list as long as "data"/],
    ['{"columns":["a"],"data":[],"dtypes":[]}', /a key other than/],
    ['{"columns":["a"],"data":[],"__proto__":{}}', /a key other than/],
    ['{"columns":["a"],"data":[],"":1}', /a key other than/],
  ])('refuses JSON that is not a table: %s', (text, message) => {
    const problem = problemOf(text);
    expect(problem.code).toBe('invalid_body');
    expect(problem.message).toMatch(message);
  });

  const INPUTS = ['a', 'data'].map((name) => ({
    name,
    onnx: name,
    type: 'number' as const,
    nullable: false,
  }));

  it.each<[string, unknown, Partial<Table>, single?: boolean]>([
    ['an object of single values as one row', { a: 1, b: {} }, { columns: ['a', 'b'] }, true],
    [
      'an object of lists as columns',
      { a: [1, 2], b: ['x', null] },
      {
        columns: ['a', 'b'],
        data: [
          [1, 'x'],
          [2, null],
        ],
      },
    ],
    ['empty lists as no rows', { a: [], b: [] }, { columns: ['a', 'b'], data: [] }],
    [
      'a list of objects as rows, with every name that occurs',
      [{ a: 1 }, { b: 2 }, 3],
      { columns: ['a', 'b'], byName: true },
    ],
    ['an empty list as no rows of the signature', [], { columns: ['a', 'data'], data: [] }],
    ['a column that is called as a key', { a: [1], data: [2] }, { columns: ['a', 'data'], data: [[1, 2]] }],
    ['both keys as columns and rows', { columns: ['a'], data: [] }, { columns: ['a'], data: [] }],
  ])('takes %s', (_, body, table, single = false) => {
    expect(readNativeRows(JSON.stringify(body), INPUTS)).toMatchObject({ table, single });
  });

  it.each<[string, object, object]>([
    ['numbers as names', { columns: [0, 1], data: [[1, 2]] }, { columns: ['0', '1'], data: [[1, 2]] }],
    [
      'orient="table", without its index',
      {
        schema: {
          fields: [{ name: 'index' }, { name: 'a' }, { name: 'data' }],
          primaryKey: ['index'],
          pandas_version: '1.4.0',
        },
        data: [{ index: 5, a: 1, data: 2 }],
      },
      { columns: ['a', 'data'], byName: true },
    ],
    [
      'orient="table", whose index is a column of the signature',
      { schema: { fields: [{ name: 'a' }], primaryKey: ['a'] }, data: [{ a: 1 }] },
      { columns: ['a'], byName: true },
    ],
    ['orient="table" without rows', { schema: { fields: [] }, data: [] }, { columns: ['a'], data: [] }],
  ])("takes what pandas' to_json writes: %s", (_, body, table) => {
    const found = readNativeRows(JSON.stringify(body), INPUTS.slice(0, 1));
    expect(found).toMatchObject({ table, single: false });
  });

  it('names orient="columns" by a column of the signature', () => {
    expect(() => readNativeRows('{"a":{"1":1,"0":2}}', INPUTS)).toThrow('to_json(orient="columns")');
    // One row, of which a cell is no object.
    expect(readNativeRows('{"a":{"1":1},"b":1}', INPUTS).single).toBe(true);
  });

  it('reads own members of an object, not inherited ones', () => {
    const encoder = createEncoder({
      inputs: ['constructor', '__proto__'].map((name) => ({
        name,
        onnx: name,
        type: 'number',
        nullable: true,
      })),
    });
    const encode = (text: string): unknown => {
      const { table } = readNativeRows(text, []);
      return encoder.encode(table.columns, table.data, {}, table).cells;
    };
    expect(encode('[{"constructor":1,"__proto__":2}]')).toEqual(Float64Array.of(1, 2));
    expect(() => encode('[{"constructor":1,"__proto__":2},{}]')).toThrow(Problem);
  });
});

describe('the writer of a classification', () => {
  const write = createNativeWriter({
    output: { task: 'classification', label: 'l', probabilities: 'p', classes: [' "a"', 7] },
  });
  const answers = Float64Array.of(0, 0.75, 0.25, 1, 0.1, 0.9);

  it('writes the labels', () => {
    expect(JSON.parse(write(answers, NO_WARNINGS, false))).toEqual({ predictions: [' "a"', 7] });
  });

  it('adds probabilities, and the classes in the same order, on request', () => {
    expect(JSON.parse(write(answers, NO_WARNINGS, true))).toEqual({
      predictions: [' "a"', 7],
      probabilities: [
        [0.75, 0.25],
        [0.1, 0.9],
      ],
      classes: [' "a"', 7],
    });
  });

  it('writes empty lists for no rows', () => {
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

describe('refused rows', () => {
  it.each([
    [['x'], [0, 2], ['null', 'x', 'null']],
    [['x', 'y'], [1], ['x', 'null', 'y']],
    [[], [0, 1], ['null', 'null']],
    [['x'], [], ['x']],
  ])('are null between %j where %j are refused', (entries, refused, all) => {
    expect(withNulls(entries, refused)).toEqual(all);
  });
});

describe('the writer of a regression', () => {
  it('writes the values with all digits', () => {
    const write = createNativeWriter({ output: { task: 'regression', value: 'v' } });
    const values = [1.5, -3, 0.1 + 0.2, 1e-9, 1e21];
    expect(JSON.parse(write(Float64Array.from(values), NO_WARNINGS, false))).toEqual({ predictions: values });
    expect(write(new Float64Array(0), NO_WARNINGS, true)).toBe('{"predictions":[]}');
  });
});
