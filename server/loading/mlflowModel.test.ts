import { describe, expect, it } from 'vitest';
import type { Signature } from '../model/signature.ts';
import { withMlflowColumns } from './mlflowModel.ts';

const onnx = (...names: string[]): Signature => ({
  task: 'regression',
  inputs: names.map((name) => ({ name, onnx: 'X', type: 'number', nullable: false })),
  outputs: { value: 'y' },
});

const FOLDED = `flavors:
  onnx:
    data: model.onnx
signature:
  inputs: '[{"type": "long", "name": "age", "required": true}, {"type": "double",
    "name": "net pay", "required": true}, {"type": "double", "name": "it''s", "required":
    true}]'
  outputs: '[{"type": "long", "required": true}]'
utc_time_created: '2026-11-29 07:37:37.961454'
`;

describe("the columns of MLflow's signature", () => {
  it('name those of a matrix by position', () => {
    const { inputs } = withMlflowColumns(onnx('X_0', 'X_1', 'X_2'), FOLDED);
    expect(inputs).toEqual([
      { name: 'age', onnx: 'X', type: 'integer', nullable: false },
      { name: 'net pay', onnx: 'X', type: 'number', nullable: false },
      { name: "it's", onnx: 'X', type: 'number', nullable: false },
    ]);
  });

  it('in another order leave the graph its own', () => {
    const { inputs } = withMlflowColumns(onnx('net pay', 'age', "it's"), FOLDED);
    expect(inputs.map(({ name, type }) => [name, type])).toEqual([
      ['net pay', 'number'],
      ['age', 'integer'],
      ["it's", 'number'],
    ]);
  });

  it('are read from a text in double quotes, too', () => {
    const text = String.raw`signature:
  inputs: "[{\"type\": \"double\", \"name\": \"K\xF6ln\"}, {\"type\": \"double\", \"name\": \"a\u20AC\
    b\"}]"
`;
    expect(withMlflowColumns(onnx('0', '1'), text).inputs.map(({ name }) => name)).toEqual(['Köln', 'a€b']);
  });

  it.each([
    ['another number of columns', FOLDED.replace('it', 'x').replace(/, \{"type": "double",\n.*?true\}/s, '')],
    ['no signature', 'flavors:\n  onnx:\n    data: model.onnx\n'],
    ['the signature of a tensor', `signature:\n  inputs: '[{"type": "tensor", "tensor-spec": {}}]'\n`],
    ['two columns of one name', FOLDED.replace('net pay', 'age')],
    ['no JSON', "signature:\n  inputs: 'x'\n"],
  ])('are not taken from %s', (_, text) => {
    const signature = onnx('X_0', 'X_1', 'X_2');
    expect(withMlflowColumns(signature, text)).toBe(signature);
  });
});
