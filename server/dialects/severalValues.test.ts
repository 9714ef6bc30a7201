import { expect, it } from 'vitest';
import type { OutputFeed } from '../../worker/protocol.ts';
import type { EncodedRows } from '../model/rows.ts';
import { givesProbabilities, outputFeed } from '../model/signature.ts';
import { tinyModel, tinyRows } from '../testing/tinyModel.ts';
import { labelTexts } from './addedColumns.ts';
import { createCustomWriter } from './customAnswer.ts';
import { createLinesWriter } from './linesAnswer.ts';
import { createNativeWriter } from './native.ts';
import { outputTensors } from './v2/outputs.ts';

const OUTPUT: OutputFeed = {
  task: 'several',
  form: 'list',
  values: [
    { name: 'price', onnx: 'x' },
    { name: 'kind', onnx: 'k', classes: ['no', 'yes'] },
    { name: 'n', onnx: 'n', integer: true },
  ],
  scores: { name: 'probabilities', onnx: 'p', width: 3 },
};
const OUTLIER: OutputFeed = {
  task: 'several',
  form: 'single',
  values: [{ name: 'label', onnx: 'l', classes: [-1, 1] }],
  scores: { name: 'score', onnx: 's', width: 1 },
};
const ANSWERS = Float64Array.from([1.25, 1, 3, 0.5, 0.25, 1, NaN, 0, -4, 0, 1, 0.125]);
const rows = tinyRows([1, 2]);
const withRefused: EncodedRows = {
  ...tinyRows([1, 2]),
  refused: { rows: [1], errors: [{ row: 1, message: 'bad' }], errorsTotal: 1, refusals: [] },
};

it('are a list a row in the native form, with null for a refused row', () => {
  const write = createNativeWriter({ output: OUTPUT });
  expect(write(ANSWERS, rows, false)).toBe('{"predictions":[[1.25,"yes",3],[null,"no",-4]]}');
  expect(JSON.parse(write(ANSWERS, withRefused, true))).toMatchObject({
    predictions: [[1.25, 'yes', 3], null, [null, 'no', -4]],
    probabilities: [[0.5, 0.25, 1], null, [0, 1, 0.125]],
    errorsTotal: 1,
  });
  expect(createNativeWriter({ output: OUTLIER })(Float64Array.of(0, -0.5, 1, 0.25), rows, false)).toBe(
    '{"predictions":[-1,1],"score":[-0.5,0.25]}',
  );
});

it('are a line a row in JSON Lines', () => {
  const lines = createLinesWriter({ output: OUTPUT })(ANSWERS, withRefused, true).trim().split('\n');
  expect(lines.map((line) => JSON.parse(line) as unknown)).toEqual([
    { prediction: [1.25, 'yes', 3], probabilities: [0.5, 0.25, 1] },
    { prediction: null, errors: [{ row: 1, message: 'bad' }] },
    { prediction: [null, 'no', -4], probabilities: [0, 1, 0.125] },
  ]);
  expect(createLinesWriter({ output: OUTLIER })(Float64Array.of(0, -0.5), tinyRows([1]), false)).toBe(
    '{"prediction":-1,"score":-0.5}\n',
  );
});

it('are rounded in the custom form', () => {
  const { signature } = tinyModel();
  const write = createCustomWriter({
    signature: { ...signature, answer: { key: 'costs', decimals: 1 } },
    output: OUTPUT,
  });
  expect(write?.(ANSWERS.subarray(0, 6), tinyRows([1]), true)).toBe('{"costs":[1.3,"yes",3]}');
});

it('are a tensor each in V2, in binary as in JSON', () => {
  const tensors = outputTensors(OUTPUT);
  expect(tensors.map(({ name, datatype, width }) => [name, datatype, width])).toEqual([
    ['price', 'FP64', undefined],
    ['kind', 'BYTES', undefined],
    ['n', 'INT64', undefined],
    ['probabilities', 'FP32', 3],
  ]);
  expect(tensors.map((tensor) => tensor.json(ANSWERS))).toEqual([
    '[1.25,null]',
    '["yes","no"]',
    '[3,-4]',
    '[0.5,0.25,1,0,1,0.125]',
  ]);
  const [price, kind, n, probabilities] = tensors.map((tensor) => tensor.binary(ANSWERS));
  expect([price?.readDoubleLE(0), price?.readDoubleLE(8)]).toEqual([1.25, NaN]);
  expect(kind?.toString('latin1')).toBe('\x03\0\0\0yes\x02\0\0\0no');
  expect([n?.readBigInt64LE(0), n?.readBigInt64LE(8)]).toEqual([3n, -4n]);
  expect([probabilities?.length, probabilities?.readFloatLE(20)]).toEqual([24, 0.125]);
});

it('are a label alone, where a classifier gives no probabilities, and floats stay floats', () => {
  const { signature } = tinyModel();
  const output = outputFeed({
    ...signature,
    task: 'classification',
    outputs: { label: 'l', classes: [1, 2.5, 3], floatClasses: true },
  });
  expect(output).toMatchObject({ task: 'several', form: 'single' });
  const answers = Float64Array.of(0, 1, 2);
  expect(createNativeWriter({ output })(answers, tinyRows([1, 2, 3]), false)).toBe(
    '{"predictions":[1.0,2.5,3.0]}',
  );
  const [tensor, ...others] = outputTensors(output);
  expect([tensor?.name, tensor?.datatype, tensor?.json(answers), others.length]).toEqual([
    'l',
    'FP64',
    '[1.0,2.5,3.0]',
    0,
  ]);
  expect(givesProbabilities(output)).toBe(false);
  expect(labelTexts(output)).toEqual([['1.0', '2.5', '3.0']]);
});
