import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire';
import { describe, expect, it } from 'vitest';
import type { Golden, Signature } from '../../../server/model/signature.ts';
import type { GraphSpec } from '../../../server/testing/buildModel.ts';
import { buildModel } from '../../../server/testing/buildModel.ts';
import { isClose } from '../../../server/testing/bareModels.ts';
import { withTemporaryFolder } from '../../../server/testing/temporaryFolder.ts';
import { importFile } from '../../testing/importFile.ts';
import { readModel } from '../../../worker/onnx/model.ts';
import { rewriteMessage } from '../../../worker/onnx/rewrite.ts';
import { decodeTensor } from '../../../worker/onnx/tensor.ts';
import { pullExternalData } from './externalData.ts';
import type { OnnxOptions } from './describeOnnx.ts';
import { matchColumns } from './matchColumns.ts';

interface Imported {
  readonly said: string;
  readonly signature: Signature;
  readonly golden: Golden;
}

/** Imports a file with some rows. */
const imported = (onnx: Uint8Array, rows: string, options: OnnxOptions = {}): Promise<Imported> =>
  withTemporaryFolder(async (folder) => {
    const path = join(folder, 'some.onnx');
    writeFileSync(path, onnx);
    writeFileSync(join(folder, 'rows.csv'), rows);
    const said = await importFile(path, folder, 'some', { rows: join(folder, 'rows.csv'), ...options });
    const read = <T>(file: string): T => JSON.parse(readFileSync(join(folder, 'some/1', file), 'utf8')) as T;
    return { said, signature: read('model.json'), golden: read('golden.json') };
  });

/** X [N, 2] times weights, with an operator behind it. */
const network = (weights: readonly number[], op?: string, opset = 18): Uint8Array => {
  const width = weights.length / 2;
  const spec: GraphSpec = {
    inputs: [{ name: 'X', element: 'float', dims: ['n', 2] }],
    constants: { W: { element: 'float', dims: [2, width], values: weights } },
    nodes: [
      { op: 'MatMul', domain: '', inputs: ['X', 'W'], outputs: [op ? 'product' : 'scores'] },
      ...(op ? [{ op, domain: '', inputs: ['product'], outputs: ['scores'] }] : []),
    ],
    outputs: [{ name: 'scores', element: 'float', dims: ['n', width] }],
  };
  return buildModel({ ...spec, opsets: { '': opset } });
};

const ROWS = [
  [0.5, -1],
  [-2, 0.25],
  [1, 1.5],
  [0, -3],
] as const;
const csv = (header: string): string => `${header}\n${ROWS.map((row) => row.join()).join('\n')}\n`;

const WEIGHTS = [1, 0, 2, 2, 1, -1];
const logitsOf = ([a, b]: readonly [number, number]): number[] =>
  [0, 1, 2].map((k) => a * (WEIGHTS[k] as number) + b * (WEIGHTS[3 + k] as number));
const softmax = (logits: readonly number[]): number[] => {
  const powers = logits.map(Math.exp);
  const sum = powers.reduce((total, power) => total + power, 0);
  return powers.map((power) => power / sum);
};
const best = (values: readonly number[]): number => values.indexOf(Math.max(...values));
const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x));

describe('a network without a label', () => {
  const classes = ['red', 'green', 'blue'];

  it.each([
    ['logits', network(WEIGHTS), 'logits'],
    ['logits of an old operator set', network(WEIGHTS, undefined, 9), 'logits'],
    ['probabilities', network(WEIGHTS, 'Softmax'), 'probabilities'],
  ])('of %s gets the label and the probabilities of its classes', async (_, onnx, kind) => {
    const { said, signature, golden } = await imported(onnx, csv('X_0,X_1'), { classes });
    const wanted = ROWS.map((row) => softmax(logitsOf(row)));
    expect(signature.task).toBe('classification');
    expect(golden.predictions).toEqual(wanted.map((row) => classes[best(row)]));
    expect(isClose(golden.probabilities, wanted)).toBe(true);
    expect(said).toMatch(new RegExp(`scores are ${kind} by its last operator`));
  });

  it.each([
    ['logit', network([1, -2])],
    ['probability', network([1, -2], 'Sigmoid')],
  ])('of one %s gives the second class its value', async (_, onnx) => {
    const { golden } = await imported(onnx, csv('X_0,X_1'), { classes: ['0', '7'] });
    const seconds = ROWS.map(([a, b]) => sigmoid(a - 2 * b));
    expect(golden.predictions).toEqual(seconds.map((p) => (p > 0.5 ? 7 : 0)));
    expect(
      isClose(
        golden.probabilities,
        seconds.map((p) => [1 - p, p]),
      ),
    ).toBe(true);
  });

  it.each<[string, Uint8Array, OnnxOptions, RegExp]>([
    [
      'too few classes',
      network(WEIGHTS),
      { classes: ['a', 'b'] },
      /has 3 columns, so --classes needs 3 names; found 2/,
    ],
    ['a class twice', network(WEIGHTS), { classes: ['a', 'b', 'a'] }, /a class twice/],
    ['scores of an unknown kind', network(WEIGHTS, 'Tanh'), { classes }, /say so by --scores/],
    ['scores without classes', network(WEIGHTS), { scores: 'logits' }, /--scores needs --classes/],
  ])('is refused for %s', async (_, onnx, options, reason) => {
    await expect(imported(onnx, csv('X_0,X_1'), options)).rejects.toThrow(reason);
  });
});

describe('names of columns', () => {
  const inputs = (...names: string[]) =>
    names.map((name) => ({ name, onnx: name, type: 'number', nullable: false }) as const);

  it('of a matrix are those of the rows, said aloud', async () => {
    const { said, signature } = await imported(network(WEIGHTS), csv('mean radius,area'), {
      classes: ['a', 'b', 'c'],
    });
    expect(signature.inputs.map(({ name, onnx }) => [name, onnx])).toEqual([
      ['mean radius', 'X'],
      ['area', 'X'],
    ]);
    expect(said).toContain(
      'columns are taken from the rows by their order: "X_0" is "mean radius", "X_1" is "area"',
    );
  });

  it('that a converter spelled are those of the rows, in any order and beside others', () => {
    const { inputs: named, note } = matchColumns(inputs('mean_radius', '_2nd', 'area'), [
      '2nd',
      'other',
      'mean radius',
      'area',
    ]);
    expect(named.map(({ name, onnx }) => [name, onnx])).toEqual([
      ['mean radius', 'mean_radius'],
      ['2nd', '_2nd'],
      ['area', 'area'],
    ]);
    expect(note).toContain('"mean_radius" is "mean radius", "_2nd" is "2nd"');
  });

  it.each<[string, string[], string[]]>([
    ['a name that two columns could have', ['a_b', 'c'], ['a b', 'a-b', 'c']],
    ['a matrix of another width', ['X_0', 'X_1'], ['a', 'b', 'target']],
    ['some names, but not all', ['a', 'b'], ['a', 'x']],
  ])('are ambiguous for %s', (_, names, columns) => {
    expect(() => matchColumns(inputs(...names), columns)).toThrow(/the rows lack \d of the model's/);
  });
});

describe('weights in another file', () => {
  /** A constant of the model whose elements lie elsewhere. */
  const external = (location: string, offset: number): Uint8Array =>
    rewriteMessage(network([1, 2]), 'the file', {
      7: (graph) =>
        rewriteMessage(graph, 'the graph', {
          5: (tensor) => {
            const entry = (key: string, value: string): Uint8Array =>
              new BinaryWriter()
                .tag(1, WireType.LengthDelimited)
                .string(key)
                .tag(2, WireType.LengthDelimited)
                .string(value)
                .finish();
            const added = [
              [13, entry('location', location)],
              [13, entry('offset', String(offset))],
              [13, entry('length', '8')],
            ] as const;
            // 4: the floats; 14: where they lie, as a varint.
            const where = new BinaryWriter().tag(14, WireType.Varint).int32(1).finish();
            return Buffer.concat([rewriteMessage(tensor, 'a tensor', { 4: null }, added), where]);
          },
        }),
    });

  it('become one file with it', async () => {
    await withTemporaryFolder((folder) => {
      const weights = Buffer.from(Float32Array.of(9, 9, 1, 2).buffer);
      writeFileSync(join(folder, 'weights.data'), weights);
      const onnx = external('weights.data', 8);
      const [elements] = [
        ...readModel(pullExternalData(onnx, join(folder, 'm.onnx'))).graph.constants.values(),
      ];
      expect(elements && decodeTensor(elements).values).toEqual([1, 2]);
      return Promise.resolve();
    });
  });

  it.each([
    ['../weights.data', 0, /outside of its folder|isn't beside it/],
    ['/etc/passwd', 0, /outside of its folder|isn't beside it/],
    ['missing.data', 0, /"missing\.data", which isn't beside it/],
    ['weights.data', 12, /is shorter than the model says/],
    ['weights.data', -1, /is shorter than the model says/],
  ])('are refused at %s, offset %i', async (location, offset, reason) => {
    await withTemporaryFolder((folder) => {
      mkdirSync(join(folder, 'inner'));
      for (const place of ['weights.data', 'inner/weights.data'])
        writeFileSync(join(folder, place), Buffer.alloc(16));
      const onnx = external(location, offset);
      expect(() => pullExternalData(onnx, join(folder, 'inner/m.onnx'))).toThrow(reason);
      return Promise.resolve();
    });
  });
});
