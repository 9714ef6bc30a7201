import { WireType } from '@bufbuild/protobuf/wire';
import { describe, expect, it } from 'vitest';
import type { ModelSpec, NodeSpec } from '../../server/testing/buildModel.ts';
import { ML, buildModel } from '../../server/testing/buildModel.ts';
import { readModel } from './model.ts';
import { OnnxRefused } from './onnxRefused.ts';
import { decodeTensor } from './tensor.ts';

const identity = (from: string, to: string): NodeSpec => ({
  op: 'Identity',
  domain: '',
  inputs: [from],
  outputs: [to],
});

const SPEC: ModelSpec = {
  inputs: [{ name: 'x', element: 'float', dims: ['N', 3] }],
  nodes: [
    {
      op: 'Scaler',
      inputs: ['x'],
      outputs: ['y'],
      attributes: { offset: { floats: [1, 2, 3] }, scale: { floats: [4, 5, 6], packed: true } },
    },
    identity('y', 'z'),
  ],
  constants: { c: { element: 'int64', dims: [2, 1], values: [-1, 2 ** 53 - 1] } },
  outputs: [{ name: 'z', element: 'float', dims: ['N', 3] }],
};

/** The file with a field of the model that is written by hand behind it. */
const withField = (field: number, bytes: Uint8Array): Uint8Array =>
  buildModel({ ...SPEC, extra: (writer) => void writer.tag(field, WireType.LengthDelimited).bytes(bytes) });

const reading = (change: Partial<ModelSpec>) => () => readModel(buildModel({ ...SPEC, ...change }));

describe('readModel', () => {
  it('reads nodes, constants, inputs, outputs and versions', () => {
    const { graph, opsets, irVersion } = readModel(buildModel(SPEC));
    expect(irVersion).toBe(8);
    expect(Object.fromEntries(opsets)).toEqual({ '': 18, [ML]: 3 });
    expect(graph.inputs).toMatchObject([{ name: 'x', elementType: 1, dims: [undefined, 3] }]);
    expect(graph.outputs).toMatchObject([{ name: 'z' }]);
    expect(graph.nodes).toMatchObject([
      { op: 'Scaler', domain: ML, inputs: ['x'], outputs: ['y'] },
      { op: 'Identity', domain: '' },
    ]);
    const attributes = graph.nodes[0]?.attributes;
    expect([...(attributes?.get('offset')?.floats() ?? [])]).toEqual([1, 2, 3]);
    expect([...(attributes?.get('scale')?.floats() ?? [])]).toEqual([4, 5, 6]);
    const constant = graph.constants.get('c');
    expect(constant && decodeTensor(constant)).toEqual({
      element: 'int64',
      dims: [2, 1],
      values: [-1, 2 ** 53 - 1],
    });
  });

  it('takes ai.onnx for the standard domain', () => {
    const { opsets, graph } = readModel(
      buildModel({
        ...SPEC,
        opsets: { 'ai.onnx': 18, [ML]: 3 },
        nodes: [{ ...identity('x', 'z'), domain: 'ai.onnx' }],
      }),
    );
    expect(opsets.get('')).toBe(18);
    expect(graph.nodes[0]?.domain).toBe('');
  });

  it('refuses a file that ends too early, wherever it ends', () => {
    const whole = buildModel(SPEC);
    let refused = 0;
    for (let end = 0; end < whole.length; end++) {
      try {
        readModel(whole.subarray(0, end));
      } catch (error) {
        expect(error).toBeInstanceOf(OnnxRefused);
        refused++;
      }
    }
    // What follows the graph, the operator sets, may be missing.
    expect(refused).toBeGreaterThan(whole.length - 40);
  });

  it.each<[string, () => unknown, string]>([
    ['no graph', () => readModel(new Uint8Array()), 'the file holds no graph'],
    ['two graphs', () => readModel(withField(7, new Uint8Array())), 'the file has two graphs'],
    [
      'a wrong wire type',
      () =>
        readModel(buildModel({ ...SPEC, extra: (writer) => void writer.tag(8, WireType.Varint).int32(1) })),
      'the file has a field of the wrong wire type',
    ],
    [
      'deeply nested groups',
      () => readModel(Uint8Array.from({ length: 10_000 }, () => ((99 << 3) & 0x78) | WireType.StartGroup)),
      'the file is damaged',
    ],
    [
      'a cycle',
      reading({ nodes: [identity('z', 'y'), identity('y', 'z')] }),
      'a tensor is used before it is made',
    ],
    ['an unknown tensor', reading({ nodes: [identity('w', 'z')] }), 'a tensor is used before it is made'],
    ['an output that nothing makes', reading({ nodes: [] }), 'a tensor is used before it is made'],
    [
      'a name that is made twice',
      reading({ nodes: [identity('x', 'z'), identity('x', 'z')] }),
      'a tensor name stands for two tensors',
    ],
    [
      'a node that makes an input',
      reading({ nodes: [identity('x', 'z'), identity('z', 'x')] }),
      'a tensor name stands for two tensors',
    ],
    [
      'an input that stands there twice',
      reading({ inputs: [...SPEC.inputs, ...SPEC.inputs] }),
      'a graph input stands there twice',
    ],
    ['an absurd version', reading({ irVersion: 2 ** 40 }), 'the IR version is out of range'],
  ])('refuses %s', (_, read, message) => {
    expect(read).toThrow(new OnnxRefused(message));
  });

  it('refuses a constant whose elements lie in another file', () => {
    // TensorProto: name "c", one external_data entry.
    const constant = Uint8Array.of((8 << 3) | 2, 1, 99, (13 << 3) | 2, 0);
    const graph = Uint8Array.of((5 << 3) | 2, constant.length, ...constant);
    expect(() => readModel(Uint8Array.of((7 << 3) | 2, graph.length, ...graph))).toThrow(
      new OnnxRefused(
        'a tensor lies in another file: npm run import makes one file of the two, and that can be served',
      ),
    );
  });
});

describe('decodeTensor', () => {
  const decode = (...bytes: number[]) => decodeTensor({ raw: Uint8Array.from(bytes) });
  const dims = (...sizes: number[]): number[] => sizes.flatMap((size) => [1 << 3, size]);
  const type = (number: number): number[] => [2 << 3, number];
  const raw = (...bytes: number[]): number[] => [(9 << 3) | 2, bytes.length, ...bytes];

  it('reads raw data', () => {
    expect(decode(...dims(2), ...type(1), ...raw(0, 0, 128, 63, 0, 0, 192, 255)).values).toEqual([1, NaN]);
    expect(decode(...dims(1), ...type(7), ...raw(255, 255, 255, 255, 255, 255, 255, 255)).values).toEqual([
      -1,
    ]);
    expect(decode(...dims(2), ...type(9), ...raw(0, 5)).values).toEqual([0, 1]);
    expect(decode(...dims(1), ...type(11), ...raw(0, 0, 0, 0, 0, 0, 240, 63)).values).toEqual([1]);
    expect(decode(...dims(0), ...type(1)).values).toEqual([]);
  });

  it.each([
    ['too little raw data', [...dims(2), ...type(1), ...raw(0, 0, 128, 63)]],
    ['raw strings', [...dims(1), ...type(8), ...raw(65)]],
    ['a shape that is too large', [...dims(127, 127, 127, 127), ...type(1), ...raw(0)]],
    ['a type without meaning', [...dims(1), ...type(77), ...raw(0)]],
    ['more elements than the shape says', [...dims(1), ...type(7), 7 << 3, 1, 7 << 3, 2]],
    ['numbers in a tensor of strings', [...dims(1), ...type(8), 7 << 3, 1]],
  ])('refuses %s', (_, bytes) => {
    expect(() => decode(...bytes)).toThrow(OnnxRefused);
  });
});
