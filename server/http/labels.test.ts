import { expect, it } from 'vitest';
import { createApp } from './app.ts';
import { createEncoder } from '../encoding/encoder.ts';
import type { Label } from '../../worker/protocol.ts';
import type { Model } from '../model/model.ts';
import type { Input } from '../model/signature.ts';
import { outputFeed } from '../model/signature.ts';
import { appDeps } from '../testing/appDeps.ts';
import { tinyModel } from '../testing/tinyModel.ts';

const inputs: Input[] = [{ name: 'x', onnx: 'x', type: 'number', nullable: false }];

function classifier(name: string, classes: Label[], floatClasses = false): Model {
  const outputs = { label: 'label', probabilities: 'scores', classes, floatClasses };
  const signature = { task: 'classification' as const, inputs, outputs, answer: { key: 'churns' } };
  return {
    ...tinyModel(name),
    signature,
    encoder: createEncoder({ inputs }),
    output: outputFeed(signature),
  };
}

const booleans = classifier('churn', [false, true]);
const floats = classifier('level', [1, 2], true);
const app = createApp(appDeps([booleans, floats]));
const appOfFloats = createApp(appDeps([floats, booleans]));

async function ask(
  path: string,
  body: string,
  headers: Record<string, string> = {},
  to = app,
): Promise<Response> {
  const type = { 'content-type': 'application/json' };
  const response = await to.request(path, { method: 'POST', headers: { ...type, ...headers }, body }, {});
  expect(response.status, `${path}: ${await response.clone().text()}`).toBe(200);
  return response;
}

/** The fake inference takes the first cell for the second class's probability in per cent. */
const ROWS = '{"columns":["x"],"data":[[75],[25]]}';

it('labels that are booleans are answered as true and false in every dialect', async () => {
  const json = async (path: string, body: string, headers?: Record<string, string>): Promise<unknown> =>
    (await ask(path, body, headers)).json();
  expect(await json('/predict?probabilities=true', ROWS)).toEqual({
    predictions: [true, false],
    probabilities: [
      [0.25, 0.75],
      [0.75, 0.25],
    ],
    classes: [false, true],
  });
  expect(await json('/v1/models/churn:predict', '{"instances":[{"x":75},{"x":25}]}')).toEqual({
    predictions: [true, false],
  });
  expect(await json('/invocations', `{"dataframe_split":${ROWS}}`)).toEqual({ predictions: [true, false] });
  const file = await ask('/predict_file', 'x\n75\n25\n', { 'content-type': 'text/csv', accept: 'text/csv' });
  expect((await file.text()).split(/\r?\n/).map((line) => line.split(',')[1])).toEqual(
    expect.arrayContaining(['true', 'false']),
  );
});

it('V2 gives them as BOOL, in JSON and in binary, and says so in the metadata', async () => {
  const tensors = (more = '') =>
    `{"inputs":[{"name":"x","shape":[2],"datatype":"FP64","data":[75,25]}]${more}}`;
  const label = { name: 'label', datatype: 'BOOL', shape: [2], data: [true, false] };
  const answer = await ask('/v2/models/churn/infer', tensors());
  expect(await answer.json()).toMatchObject({ outputs: [label, { name: 'scores', datatype: 'FP32' }] });

  const wanted = ',"outputs":[{"name":"label","parameters":{"binary_data":true}}]';
  const binary = await ask('/v2/models/churn/infer', tensors(wanted));
  expect([...Buffer.from(await binary.arrayBuffer()).subarray(-2)]).toEqual([1, 0]);

  const metadata = await app.request('/v2/models/churn', {}, {});
  expect(await metadata.json()).toMatchObject({
    outputs: [
      { name: 'label', datatype: 'BOOL', shape: [-1] },
      { name: 'scores', datatype: 'FP32', shape: [-1, 2] },
    ],
  });
});

it('the document describes labels by their type', async () => {
  const document = (await (await app.request('/openapi.json', {}, {})).json()) as {
    components: { schemas: Record<string, unknown> };
  };
  expect(document.components.schemas['ChurnLabel']).toEqual({ type: 'boolean', enum: [false, true] });
  expect(document.components.schemas['LevelLabel']).toEqual({ type: 'number', enum: [1, 2] });
});

it('labels that are floats keep their point in every dialect', async () => {
  const text = async (path: string, body: string, headers?: Record<string, string>): Promise<string> =>
    (await ask(path, body, headers, appOfFloats)).text();
  expect(await text('/predict?probabilities=true', ROWS)).toBe(
    '{"predictions":[2.0,1.0],"probabilities":[[0.25,0.75],[0.75,0.25]],"classes":[1.0,2.0]}',
  );
  expect(await text('/v1/models/level:predict', '{"instances":[{"x":75},{"x":25}]}')).toBe(
    '{"predictions":[2.0,1.0]}',
  );
  expect(await text('/invocations', `{"dataframe_split":${ROWS}}`)).toBe('{"predictions":[2.0,1.0]}');
  expect(await text('/models/level/predict', ROWS)).toBe('{"churns":[2.0,1.0]}');
  const file = (accept: string, query = ''): Promise<string> =>
    text(`/predict_file${query}`, 'x\n75\n', { 'content-type': 'text/csv', accept });
  expect(await file('text/csv', '?probabilities=true')).toBe(
    'x,prediction,probability_1.0,probability_2.0\n75,2.0,0.25,0.75\n',
  );
  expect(await file('application/json')).toBe('{"predictions":[2.0]}');
  const lines = 'application/x-ndjson';
  expect(await text('/predict', '{"x":75}\n{"x":25}\n', { 'content-type': lines, accept: lines })).toBe(
    '{"prediction":2.0}\n{"prediction":1.0}\n',
  );
});

it('V2 gives them as FP64, in JSON and in binary', async () => {
  const tensors = (more = '') =>
    `{"inputs":[{"name":"x","shape":[2],"datatype":"FP64","data":[75,25]}]${more}}`;
  const answer = await ask('/v2/models/level/infer', tensors());
  expect(await answer.text()).toContain('"name":"label","datatype":"FP64","shape":[2],"data":[2.0,1.0]');
  const wanted = ',"outputs":[{"name":"label","parameters":{"binary_data":true}}]';
  const binary = Buffer.from(await (await ask('/v2/models/level/infer', tensors(wanted))).arrayBuffer());
  expect([binary.readDoubleLE(binary.length - 16), binary.readDoubleLE(binary.length - 8)]).toEqual([2, 1]);
});
