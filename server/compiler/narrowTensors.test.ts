import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import type { Input } from '../model/signature.ts';
import { withNarrowTensors } from './narrowTensors.ts';

const fixture = (name: string): Uint8Array =>
  readFileSync(new URL(`./fixtures/${name}.onnx`, import.meta.url));
const columnsOf = (name: string): Input[] =>
  (
    JSON.parse(readFileSync(new URL(`./fixtures/${name}.json`, import.meta.url), 'utf8')) as {
      signature: { inputs: Input[] };
    }
  ).signature.inputs;
const marked = (name: string, columns = columnsOf(name)): (string | undefined)[] =>
  withNarrowTensors(columns, fixture(name)).map(({ name: own, tensor }) => (tensor ? own : undefined));

it('marks the columns that a float32 tensor takes, and no others', () => {
  expect(marked('onehot-integers').filter(Boolean).length).toBeLessThan(columnsOf('onehot-integers').length);
  expect(marked('onehot-integers-as-floats').filter(Boolean)).toEqual(
    columnsOf('onehot-integers-as-floats').map(({ name }) => name),
  );
});

it('rounds an example to what the tensor holds', () => {
  const [first] = columnsOf('onehot-integers-as-floats');
  const column: Input = { ...(first as Input), type: 'integer', example: 20240201 };
  expect(withNarrowTensors([column], fixture('onehot-integers-as-floats'))[0]?.example).toBe(20240200);
});

it('leaves the columns of a damaged file as they are', () => {
  const columns = columnsOf('onehot-integers-as-floats');
  expect(withNarrowTensors(columns, fixture('onehot-integers-as-floats').subarray(0, 40))).toEqual(columns);
});
