import { expect, it } from 'vitest';
import { createApp } from './app.ts';
import { createEncoder } from '../encoding/encoder.ts';
import type { Model } from '../model/model.ts';
import type { Input } from '../model/signature.ts';
import { outputFeed } from '../model/signature.ts';
import { appDeps } from '../testing/appDeps.ts';
import { tinyModel } from '../testing/tinyModel.ts';

const inputs: Input[] = [{ name: 'x', onnx: 'x', type: 'number', nullable: false }];
const outputs = { label: 'label', probabilities: 'scores', classes: [false, true] };

function booleanModel(): Model {
  const signature = { task: 'classification' as const, inputs, outputs, answer: { key: 'churns' } };
  return {
    ...tinyModel('churn'),
    signature,
    encoder: createEncoder({ inputs }),
    output: outputFeed(signature),
  };
}

const app = createApp(appDeps([{ ...booleanModel() }]));

async function ask(path: string, body: string, headers: Record<string, string> = {}): Promise<Response> {
  const type = { 'content-type': 'application/json' };
  const response = await app.request(path, { method: 'POST', headers: { ...type, ...headers }, body }, {});
  expect(response.status, path).toBe(200);
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

it('the document describes them as booleans', async () => {
  const document = (await (await app.request('/openapi.json', {}, {})).json()) as {
    components: { schemas: Record<string, unknown> };
  };
  expect(document.components.schemas['ChurnLabel']).toEqual({ type: 'boolean', enum: [false, true] });
});
