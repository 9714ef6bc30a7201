import { describe, expect, it } from 'vitest';
import type { OutputFeed } from '../../../worker/protocol.ts';
import { tinyModel } from '../../testing/tinyModel.ts';
import { writeV2InferAnswer } from './answer.ts';
import { outputTensors } from './outputs.ts';
import { readV2InferRequest } from './request.ts';

const model = tinyModel();
const INPUT = { name: 'x', shape: [1], datatype: 'FP64', data: [1] };

const CLASSIFIER: OutputFeed = {
  task: 'classification',
  label: 'label',
  probabilities: 'probabilities',
  classes: ['a', 'b', 'c:"'],
};
const read = (body: object, output: OutputFeed = CLASSIFIER) =>
  readV2InferRequest(
    Buffer.from(JSON.stringify({ inputs: [INPUT], ...body })),
    undefined,
    model,
    outputTensors(output),
  );

/** The outputs of an answer to a request for one. */
function answer(
  name: string,
  parameters: object,
  answers: readonly number[],
  rows: number,
  output = CLASSIFIER,
) {
  const request = read({ outputs: [{ name, parameters }] }, output);
  const { json, binary } = writeV2InferAnswer(model, request, rows, Float64Array.from(answers), undefined);
  const { outputs } = JSON.parse(json) as {
    outputs: { shape: number[]; datatype: string; data?: string[] }[];
  };
  return { ...outputs[0], binary };
}

/** Two rows: the class, and the probabilities. */
const ROWS = [1, 0.25, 0.625, 0.125, 0, 0.5, 0, 0.5];

describe('a classification', () => {
  it('has the likeliest classes of each row, equal ones in their order', () => {
    expect(answer('probabilities', { classification: 2 }, ROWS, 2)).toMatchObject({
      datatype: 'BYTES',
      shape: [2, 2],
      data: ['0.625:1:b', '0.25:0:a', '0.5:0:a', '0.5:2:c:"'],
    });
  });

  it('has all classes where more are wanted, and none of its own for 0', () => {
    expect(answer('probabilities', { classification: 9 }, ROWS, 2).shape).toEqual([2, 3]);
    expect(answer('probabilities', { classification: 0 }, ROWS, 2).datatype).toBe('FP32');
  });

  it('is binary data, too', () => {
    const { binary } = answer('probabilities', { classification: 1, binary_data: true }, ROWS, 2);
    const element = (text: string): Buffer => {
      const bytes = Buffer.from(`\0\0\0\0${text}`);
      bytes.writeUInt32LE(text.length);
      return bytes;
    };
    expect(Buffer.concat([...binary])).toEqual(Buffer.concat([element('0.625:1:b'), element('0.5:0:a')]));
  });

  it('has an index alone where numbers have no names, and the name of a cluster or a label', () => {
    const vector: OutputFeed = {
      task: 'several',
      form: 'vector',
      values: ['p', 'q'].map((name) => ({ name, onnx: 'v' })),
    };
    expect(answer('v', { classification: 1 }, [3, 7], 1, vector).data).toEqual(['7:1']);
    const clusters: OutputFeed = {
      task: 'several',
      form: 'single',
      values: [{ name: 'label', onnx: 'label', classes: [10, 20] }],
      scores: { name: 'distances', onnx: 'd', width: 2 },
    };
    expect(answer('distances', { classification: 1 }, [0, 1.5, 2.5], 1, clusters).data).toEqual(['2.5:1:20']);
    const labels: OutputFeed = {
      task: 'several',
      form: 'list',
      values: ['red', 'blue'].map((name) => ({ name, onnx: name, classes: [0, 1] })),
      scores: { name: 'probabilities', onnx: 'p', width: 2 },
    };
    expect(answer('probabilities', { classification: 1 }, [0, 1, 0.25, 0.75], 1, labels).data).toEqual([
      '0.75:1:blue',
    ]);
  });

  it.each([
    ['label', 1, 'Output 0 has no classification: ask for that of "probabilities".'],
    ['probabilities', 1.5, 'The "classification" of output 0 must be a number of classes.'],
    ['probabilities', -1, 'The "classification" of output 0 must be a number of classes.'],
    ['probabilities', 'all', 'The "classification" of output 0 must be a number of classes.'],
  ])('of %s to %s is refused', (name, classification, message) => {
    expect(() => answer(name, { classification }, ROWS, 2)).toThrow(message);
  });

  it('of a regression is refused', () => {
    expect(() => answer('y', { classification: 1 }, [1], 1, { task: 'regression', value: 'y' })).toThrow(
      'Output 0 has no classification: no output of the model has several numbers a row.',
    );
  });
});

describe('parameters of a request', () => {
  it('give its time in microseconds', () => {
    expect(read({ parameters: { timeout: 1500 } }).timeoutMs).toBe(1.5);
    for (const parameters of [{}, { timeout: 0 }, { timeout: null }, null])
      expect(read({ parameters }).timeoutMs).toBeUndefined();
  });

  it('without an effect are named in the answer', () => {
    const parameters = {
      priority: 2,
      'a "b"': 1,
      content_type: 'pd',
      sequence_id: 0,
      binary_data_output: false,
    };
    const { json } = writeV2InferAnswer(model, read({ parameters }), 2, Float64Array.from(ROWS), undefined);
    expect(JSON.parse(json)).toMatchObject({ parameters: { ignored: 'priority, a "b"' } });
    const plain = writeV2InferAnswer(
      model,
      read({ parameters: { priority: 0 } }),
      2,
      Float64Array.from(ROWS),
      undefined,
    );
    expect(JSON.parse(plain.json)).not.toHaveProperty('parameters');
  });

  it.each([
    [{ timeout: -1 }, 'The parameter "timeout" must be a number of microseconds.'],
    [{ timeout: '5' }, 'The parameter "timeout" must be a number of microseconds.'],
    [{ priority: 0.5 }, 'The parameter "priority" must be a whole number, 0 or more.'],
    [{ sequence_id: 3 }, 'The parameter "sequence_id" is for models with a state'],
    [{ sequence_id: 'a' }, 'The parameter "sequence_id" is for models with a state'],
    [{ sequence_start: true }, 'The parameter "sequence_start" is for models with a state'],
    [{ sequence_end: true }, 'The parameter "sequence_end" is for models with a state'],
  ])('such as %j are refused', (parameters, message) => {
    expect(() => read({ parameters })).toThrow(message);
  });

  it('that name shared memory are refused, of inputs and outputs', () => {
    const parameters = { shared_memory_region: 'r', shared_memory_byte_size: 8 };
    expect(() => read({ inputs: [{ ...INPUT, data: undefined, parameters }] })).toThrow(
      'The parameters of input 0 name shared memory, which this server does not use.',
    );
    expect(() => read({ outputs: [{ name: 'label', parameters }] })).toThrow('The parameters of output 0');
  });
});
