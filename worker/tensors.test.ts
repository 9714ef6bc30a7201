import { describe, expect, it } from 'vitest';
import type { ColumnFeed, OutputFeed } from './protocol.ts';
import { TEXT_CELL, fetchedOutputs } from './protocol.ts';
import type { TensorInfo } from './tensors.ts';
import { createAnswerReader } from './answers.ts';
import { createFeedMaker } from './tensors.ts';

const column = (onnx: string, type: ColumnFeed['type'], rest: Partial<ColumnFeed> = {}): ColumnFeed => ({
  onnx,
  type,
  nullable: false,
  categories: [],
  ...rest,
});
const tensor = (name: string, type: string, rank = 2): TensorInfo => ({ name, type, rank });

describe('createFeeds', () => {
  it.each([
    ['float32', 'number', new Float32Array([1.5, -2])],
    ['float64', 'number', new Float64Array([1.5, -2])],
    ['float32', 'integer', new Float32Array([7, -2])],
    ['int32', 'boolean', new Int32Array([1, 0])],
    ['int64', 'integer', new BigInt64Array([7n, -2n])],
    ['int64', 'integer', new BigInt64Array([2n ** 53n - 1n, 1n - 2n ** 53n])],
    ['int64', 'boolean', new BigInt64Array([1n, 0n])],
    ['bool', 'boolean', new Uint8Array([1, 0])],
    ['float32', 'boolean', new Float32Array([1, 0])],
  ] as const)('fills a tensor of type %s from a column of type %s', (type, from, data) => {
    const feeds = createFeedMaker([column('x', from)], [tensor('x', type)]);
    expect(feeds(Float64Array.from(data, Number), [], 2)).toEqual({ x: { type, data, dims: [2, 1] } });
  });

  it('takes NaN for a missing number', () => {
    for (const type of ['float32', 'float64']) {
      const feeds = createFeedMaker([column('x', 'integer', { nullable: true })], [tensor('x', type)]);
      expect(feeds(Float64Array.of(NaN), [], 1)['x']?.data[0]).toBeNaN();
    }
  });

  it('turns codes into categories and takes other texts from beside the matrix', () => {
    const columns = [column('n', 'number'), column('s', 'string', { categories: ['red', ' green'] })];
    const feeds = createFeedMaker(columns, [tensor('s', 'string'), tensor('n', 'float32')]);
    const cells = Float64Array.of(1, 1, 2, TEXT_CELL, 3, 0);
    expect(feeds(cells, [{ row: 1, column: 1, text: 'blue' }], 3)).toEqual({
      n: { type: 'float32', data: new Float32Array([1, 2, 3]), dims: [3, 1] },
      s: { type: 'string', data: [' green', 'blue', 'red'], dims: [3, 1] },
    });
  });

  it('lets no text end at a NUL', () => {
    const feeds = createFeedMaker([column('s', 'string', { categories: ['red'] })], [tensor('s', 'string')]);
    const text = 'red\0 and more';
    const { s } = feeds(Float64Array.of(TEXT_CELL), [{ row: 0, column: 0, text }], 1);
    expect(s?.data).toEqual(['red\ufffd and more']);
  });

  it('puts the columns of one input side by side, in the order of the signature', () => {
    const columns = [
      column('s', 'string', { categories: ['a'] }),
      column('n', 'number'),
      column('s', 'string', { categories: ['b'] }),
      column('n', 'integer'),
    ];
    const feeds = createFeedMaker(columns, [tensor('n', 'float32'), tensor('s', 'string')]);
    const cells = Float64Array.of(0, 1, 0, 2, 0, 3, TEXT_CELL, 4);
    expect(feeds(cells, [{ row: 1, column: 2, text: 'z' }], 2)).toEqual({
      n: { type: 'float32', data: new Float32Array([1, 2, 3, 4]), dims: [2, 2] },
      s: { type: 'string', data: ['a', 'b', 'a', 'z'], dims: [2, 2] },
    });
  });

  it('takes only the rows of the batch from a larger matrix', () => {
    const feeds = createFeedMaker([column('x', 'number')], [tensor('x', 'float32')]);
    expect(feeds(Float64Array.of(1, 2, 3, 4), [], 2)['x']?.data).toEqual(new Float32Array([1, 2]));
  });

  it('gives an input of one dimension a tensor of one', () => {
    const feeds = createFeedMaker([column('x', 'number')], [tensor('x', 'float32', 1)]);
    expect(feeds(Float64Array.of(1, 2), [], 2)['x']?.dims).toEqual([2]);
  });

  it.each<[string, ColumnFeed[], TensorInfo[], string]>([
    [
      'a column without an input',
      [column('y', 'number')],
      [tensor('x', 'float32')],
      'the graph has no input y',
    ],
    [
      'an input without a column',
      [column('x', 'number')],
      [tensor('x', 'float32'), tensor('y', 'float32')],
      'no column feeds the input y',
    ],
    [
      'a type that no column has',
      [column('x', 'number')],
      [tensor('x', 'complex64')],
      'input x has type complex64, which no column can feed',
    ],
    [
      'no tensor at all',
      [column('x', 'number')],
      [tensor('x', 'not a tensor')],
      'input x has type not a tensor, which no column can feed',
    ],
    [
      'fractions for integers',
      [column('x', 'number')],
      [tensor('x', 'int64')],
      'input x has type int64, its column is of type number',
    ],
    [
      'texts for numbers',
      [column('x', 'string')],
      [tensor('x', 'float32')],
      'input x has type float32, its column is of type string',
    ],
    [
      'numbers for texts',
      [column('x', 'integer')],
      [tensor('x', 'string')],
      'input x has type string, its column is of type integer',
    ],
    [
      'a missing integer',
      [column('x', 'integer', { nullable: true })],
      [tensor('x', 'int64')],
      'input x has type int64, which cannot hold a missing value',
    ],
    [
      'a missing text',
      [column('x', 'string', { nullable: true })],
      [tensor('x', 'string')],
      'input x has type string, which cannot hold a missing value',
    ],
    [
      'two columns for one dimension',
      [column('x', 'number'), column('x', 'number')],
      [tensor('x', 'float32', 1)],
      'input x has one dimension, but 2 columns feed it',
    ],
  ])('refuses %s', (_, columns, inputs, message) => {
    expect(() => createFeedMaker(columns, inputs)).toThrow(
      expect.objectContaining({ code: 'signature_mismatch', message }),
    );
  });
});

describe('createAnswers', () => {
  const output: OutputFeed = {
    task: 'classification',
    label: 'l',
    probabilities: 'p',
    classes: ['no', 'yes'],
  };
  const probabilities = { data: new Float32Array([0.25, 0.75, 1, 0]) };

  it('writes the code of the label and the probabilities of each row', () => {
    const answers = new Float64Array(9).fill(-1);
    createAnswerReader(output)({ l: { data: ['yes', 'no'] }, p: probabilities }, answers, 2);
    expect([...answers]).toEqual([1, 0.25, 0.75, 0, 1, 0, -1, -1, -1]);
  });

  it('knows classes that are numbers, whatever tensor they come in', () => {
    const read = createAnswerReader({ ...output, classes: [3, -1] });
    for (const data of [new BigInt64Array([-1n, 3n]), new Int32Array([-1, 3]), ['-1', '3']]) {
      const answers = new Float64Array(6);
      read({ l: { data }, p: probabilities }, answers, 2);
      expect([answers[0], answers[3]]).toEqual([1, 0]);
    }
  });

  it('refuses a label that is none of the classes', () => {
    expect(() =>
      createAnswerReader(output)({ l: { data: ['maybe'] }, p: { data: [0.5, 0.5] } }, new Float64Array(3), 1),
    ).toThrow(
      expect.objectContaining({
        code: 'run_failed',
        message: 'the graph gave a label that is none of the classes',
      }),
    );
  });

  it('refuses another number of probabilities than there are classes', () => {
    expect(() =>
      createAnswerReader(output)({ l: { data: ['maybe'] }, p: { data: [0.5] } }, new Float64Array(3), 1),
    ).toThrow(expect.objectContaining({ code: 'signature_mismatch' }));
  });

  it('writes the values of a regression', () => {
    const answers = new Float64Array(3);
    createAnswerReader({ task: 'regression', value: 'v' })(
      { v: { data: new Float32Array([1.5, 2]) } },
      answers,
      2,
    );
    expect([...answers]).toEqual([1.5, 2, 0]);
  });
});

describe('fetches', () => {
  it('names the outputs that are needed', () => {
    expect(fetchedOutputs({ task: 'classification', label: 'l', probabilities: 'p', classes: [] })).toEqual([
      'l',
      'p',
    ]);
    expect(fetchedOutputs({ task: 'regression', value: 'v' })).toEqual(['v']);
  });
});
