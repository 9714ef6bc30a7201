import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { GraphSpec } from '../testing/buildModel.ts';
import { buildModel } from '../testing/buildModel.ts';
import { HOME } from '../platform/install.ts';
import { inferSignature } from './inferSignature.ts';

const fixture = (name: string): Buffer =>
  readFileSync(join(HOME, 'server/compiler/fixtures', `${name}.onnx`));

const graph = (changes: Partial<GraphSpec>): Uint8Array =>
  buildModel({
    inputs: [{ name: 'x', element: 'float', dims: ['n', 1] }],
    outputs: [{ name: 'y', element: 'float', dims: ['n', 1] }],
    nodes: [{ op: 'Identity', domain: '', inputs: ['x'], outputs: ['y'] }],
    ...changes,
  });

describe('a signature from an ONNX file alone', () => {
  it('has its inputs, outputs and classes', () => {
    const { inputs, outputs, task } = inferSignature(readFileSync(join(HOME, 'models/adult/1/model.onnx')));
    expect([task, inputs.length]).toEqual(['classification', 14]);
    expect(inputs[1]).toEqual({ name: 'workclass', onnx: 'workclass', type: 'string', nullable: false });
    expect(outputs).toEqual({ label: 'label', probabilities: 'probabilities', classes: [' <=50K', ' >50K'] });
  });

  it('of a matrix has a column for each of its columns', () => {
    const { inputs } = inferSignature(fixture('matrix'));
    expect(inputs.map(({ name, onnx }) => [name, onnx])).toEqual([
      ['X_0', 'X'],
      ['X_1', 'X'],
      ['X_2', 'X'],
    ]);
  });

  it('of a regression has a value', () => {
    expect(inferSignature(fixture('lightgbm-regressor'))).toMatchObject({
      task: 'regression',
      outputs: { value: 'variable' },
    });
  });

  it.each<[string, Partial<GraphSpec>, RegExp]>([
    [
      'a matrix of any width',
      { inputs: [{ name: 'x', element: 'float', dims: ['n', 'm'] }] },
      /how many columns it has; import it with --rows/,
    ],
    [
      'three dimensions',
      { inputs: [{ name: 'x', element: 'float', dims: ['n', 2, 2] }] },
      /how many columns/,
    ],
    ['no output', { outputs: [] }, /neither a label/],
    [
      'a table that may be scores or values',
      { outputs: [{ name: 'y', element: 'float', dims: ['n', 3] }] },
      /"y" has 3 numbers a row: .*--classes a,b,c if scores of classes, --outputs a,b,c if values, --task transf/,
    ],
    [
      'tables, one of them of probabilities',
      {
        nodes: [
          { op: 'Identity', domain: '', inputs: ['x'], outputs: ['y'] },
          { op: 'Softmax', domain: '', inputs: ['x'], outputs: ['p'] },
        ],
        outputs: ['y', 'p'].map((name) => ({ name, element: 'float', dims: ['n', 3] })),
      },
      /"y" has 3 numbers a row: .*--classes/,
    ],
    [
      'the number of the largest score alone',
      {
        nodes: [{ op: 'ArgMax', domain: '', inputs: ['x'], outputs: ['y'] }],
        outputs: [{ name: 'y', element: 'int64', dims: ['n'] }],
      },
      /"y" is the number of a class: name them by npm run import --classes a,b,c/,
    ],
  ])('is refused for %s', (_, changes, reason) => {
    expect(() => inferSignature(graph(changes))).toThrow(reason);
  });
});
