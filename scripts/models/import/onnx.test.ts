import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire';
import { describe, expect, it } from 'vitest';
import type { Golden, Signature } from '../../../server/model/signature.ts';
import type { GraphSpec } from '../../../server/testing/buildModel.ts';
import { buildModel } from '../../../server/testing/buildModel.ts';
import { bareAnswers, bareOnnx, isClose } from '../../../server/testing/bareModels.ts';
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
    expect(said).toContain(`its scores look like ${kind} (--scores says otherwise): `);
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

describe('classes', () => {
  const classes = ['red', 'green', 'blue'];
  const product = { op: 'MatMul', domain: '', inputs: ['X', 'W'], outputs: ['product'] };
  const other = (nodes: GraphSpec['nodes'], outputs: GraphSpec['outputs']): Uint8Array =>
    buildModel({
      inputs: [{ name: 'X', element: 'float', dims: ['n', 2] }],
      constants: { W: { element: 'float', dims: [2, 3], values: WEIGHTS } },
      nodes: [product, ...nodes],
      outputs,
      opsets: { '': 18 },
    });
  const table = (name: string) => ({ name, element: 'float', dims: ['n', 3] }) as const;

  it.each([
    [
      'of two tables those of the probabilities',
      other(
        [{ op: 'Softmax', domain: '', inputs: ['product'], outputs: ['p'] }],
        [table('product'), table('p')],
      ),
    ],
    [
      'of a label alone those of the scores that it compares',
      other(
        [
          {
            op: 'ArgMax',
            domain: '',
            inputs: ['product'],
            outputs: ['at'],
            attributes: { axis: { int: 1 }, keepdims: { int: 0 } },
          },
        ],
        [{ name: 'at', element: 'int64', dims: ['n'] }],
      ),
    ],
  ])('are %s', async (_, onnx) => {
    const { golden } = await imported(onnx, csv('X_0,X_1'), { classes });
    const wanted = ROWS.map((row) => softmax(logitsOf(row)));
    expect(golden.predictions).toEqual(wanted.map((row) => classes[best(row)]));
    expect(isClose(golden.probabilities, wanted)).toBe(true);
  });

  it.each<[string, string, string[], unknown[]]>([
    ['integers', 'catboost-int64', ['no', 'yes'], [0, 1]],
    ['texts', 'catboost-text', ['b', 'g', 'r'], ['blue', 'green', 'red']],
    ['texts, as integers', 'catboost-text', ['3', '2', '1'], ['blue', 'green', 'red']],
  ])('that are %s get other names, and the model stays a forest', async (_, name, names, own) => {
    const { data, predictions, probabilities } = bareAnswers(name);
    const rows = `${['a,b,c,d', ...data.map((row) => row.join())].join('\n')}\n`;
    const { said, golden } = await imported(bareOnnx(name), rows, { classes: names });
    expect(golden.predictions.map(String)).toEqual(predictions.map((one) => names[own.indexOf(one)]));
    expect(isClose(golden.probabilities, probabilities)).toBe(true);
    expect(said).toContain('answered by the compiled forest');
    expect(said).toContain(`its classes ${own.join(', ')} are now ${names.join(', ')}, in this order`);
  });

  it('must be as many as the label has', async () => {
    const rows = `a,b,c,d\n1,2,3,4\n`;
    await expect(imported(bareOnnx('catboost-text'), rows, { classes: ['a', 'b'] })).rejects.toThrow(
      'it has 3 classes, so --classes needs 3 names',
    );
  });
});

describe('values', () => {
  it.each<[string, readonly number[], OnnxOptions, RegExp]>([
    ['a ranking of several', WEIGHTS, { task: 'ranking' }, /a ranking has one value a row/],
    ['several outputs of one', [1, -2], { task: 'quantile-regression' }, /can't be a quantile-regression/],
    ['other names than values', WEIGHTS, { outputs: ['a', 'b'] }, /gives 3 values a row, so --outputs needs/],
  ])('are refused for %s', async (_, weights, options, reason) => {
    await expect(imported(network(weights), csv('X_0,X_1'), options)).rejects.toThrow(reason);
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

  it.each<[string, string, OnnxOptions]>([
    ['without the column of the answers', 'mean radius,churned,area', { target: 'churned' }],
    ['in the order that is given', 'area,churned,mean radius', { columns: ['mean radius', 'area'] }],
  ])('of a matrix of any width are those of the rows, %s', async (_, header, options) => {
    const anyWidth = buildModel({
      inputs: [{ name: 'X', element: 'float', dims: ['n', 'm'] }],
      constants: { W: { element: 'float', dims: [2, 1], values: [1, -2] } },
      nodes: [{ op: 'MatMul', domain: '', inputs: ['X', 'W'], outputs: ['value'] }],
      outputs: [{ name: 'value', element: 'float', dims: ['n', 1] }],
    });
    const at = header.split(',').indexOf('area');
    const { signature, golden } = await imported(anyWidth, `${header}\n1,5,2\n`, options);
    expect(signature.inputs.map(({ name }) => name)).toEqual(['mean radius', 'area']);
    expect(golden.predictions).toEqual([at === 2 ? 1 - 2 * 2 : 2 - 2 * 1]);
  });

  it('that the rows lack are named', async () => {
    const rows = csv('a,b');
    await expect(imported(network([1, -2]), rows, { target: 'y' })).rejects.toThrow(/has no column "y"/);
    await expect(imported(network([1, -2]), rows, { columns: ['a', 'c'] })).rejects.toThrow(
      /has no column "c"/,
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
