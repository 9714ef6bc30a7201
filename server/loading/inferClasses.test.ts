import { cpSync, mkdirSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Label } from '../../worker/protocol.ts';
import type { GraphSpec } from '../testing/buildModel.ts';
import { buildModel } from '../testing/buildModel.ts';
import type { Pool } from '../inference/pool.ts';
import { HOME } from '../platform/install.ts';
import { createStrictPool } from '../testing/strictPool.ts';
import { withTemporaryFolder } from '../testing/temporaryFolder.ts';
import { withDeadline } from '../testing/withDeadline.ts';
import { fastPathOf } from '../testing/fastPathOf.ts';
import { inferSignature } from './inferSignature.ts';
import { readRepository } from '../testing/readRepository.ts';

/** Written by scripts/testing/exportClassifiers.py, with golden rows of scikit-learn. */
const FIXTURES = join(HOME, 'server/loading/fixtures');

let pool: Pool;
beforeAll(() => {
  pool = createStrictPool(1, 10_000);
});
afterAll(() => pool.close());

/** Opens an ONNX file with golden rows and nothing else, as a server process does: the rows are verified. */
async function openAlone(onnx: string, golden: string): Promise<readonly Label[] | undefined> {
  return withTemporaryFolder(async (repository) => {
    const folder = join(repository, 'm/1');
    mkdirSync(folder, { recursive: true });
    cpSync(onnx, join(folder, 'model.onnx'));
    cpSync(golden, join(folder, 'golden.json'));
    const [model] = await readRepository(repository);
    if (!model?.golden) expect.fail('golden rows were not read');
    await pool.release(await withDeadline('the opening', pool.open(await fastPathOf(model)), 15_000));
    return model.signature.outputs.classes;
  });
}

describe('a model.onnx with nothing but golden rows', () => {
  const names = readdirSync(FIXTURES).flatMap((file) => /^(.*)\.onnx$/.exec(file)?.[1] ?? []);
  expect(names).toHaveLength(10);

  it.each(names)('gives the training side’s answers: %s', async (name) => {
    const classes = await openAlone(join(FIXTURES, `${name}.onnx`), join(FIXTURES, `${name}.json`));
    expect(classes).toEqual(name.endsWith('texts') ? ['setosa', 'versicolor', 'virginica'] : [-1, 3, 7]);
  });

  it.each(['text', 'iris'])('gives the same answers as with its model.json: %s', async (name) => {
    const folder = join(HOME, 'models', name, '1');
    const { outputs } = JSON.parse(readFileSync(join(folder, 'model.json'), 'utf8')) as {
      outputs: { classes: string[] };
    };
    expect(await openAlone(join(folder, 'model.onnx'), join(folder, 'golden.json'))).toEqual(outputs.classes);
  });
});

describe('the classes of a label', () => {
  const value = (name: string, element: 'float' | 'int64' | 'string', width: number) =>
    ({ name, element, dims: ['n', width] }) as const;
  /** A classifier whose label is made of `numbers` by these nodes. */
  const classesOf = (nodes: GraphSpec['nodes'], element: 'int64' | 'string', constants = {}) =>
    inferSignature(
      buildModel({
        inputs: [value('x', 'float', 1)],
        outputs: [value('label', element, 1), value('scores', 'float', 2)],
        constants,
        nodes: [
          {
            op: 'LinearClassifier',
            inputs: ['x'],
            outputs: ['numbers', 'scores'],
            attributes: { classlabels_ints: { ints: [0, 1] } },
          },
          ...nodes,
        ],
      }),
    ).outputs.classes;
  const encoder = (keys: readonly number[]) => ({
    op: 'LabelEncoder',
    inputs: ['numbers'],
    outputs: ['label'],
    attributes: { keys_int64s: { ints: keys }, values_strings: { strings: ['b', 'a'] } },
  });
  const pick = { op: 'ArrayFeatureExtractor', inputs: ['names', 'numbers'], outputs: ['label'] };
  const strings = (...values: string[]) => ({
    names: { element: 'string', dims: [values.length], values } as const,
  });

  it('come from the classifier, from an encoder after it, or from a list that it indexes', () => {
    const identity = { op: 'Identity', domain: '', inputs: ['numbers'], outputs: ['label'] };
    expect(classesOf([identity], 'int64')).toEqual([0, 1]);
    expect(classesOf([encoder([1, 0])], 'string')).toEqual(['a', 'b']);
    expect(classesOf([pick], 'string', strings('no', 'yes'))).toEqual(['no', 'yes']);
    const constant = {
      op: 'Constant',
      domain: '',
      inputs: [],
      outputs: ['names'],
      attributes: { value: { tensor: strings('no', 'yes').names } },
    };
    expect(classesOf([constant, pick], 'string')).toEqual(['no', 'yes']);
  });

  it.each<[string, GraphSpec['nodes'], 'int64' | 'string', object]>([
    ['an encoder that lacks one', [encoder([0, 7])], 'string', {}],
    ['a list that holds one twice', [pick], 'string', strings('no', 'no')],
    ['a list of another type', [pick], 'int64', strings('no', 'yes')],
    ['a list that is made as it runs', [{ ...pick, inputs: ['x', 'numbers'] }], 'int64', {}],
    ['the scores of a classifier', [{ ...pick, op: 'Cast', inputs: ['scores'] }], 'int64', {}],
    ['another operator', [{ op: 'ArgMax', domain: '', inputs: ['x'], outputs: ['label'] }], 'int64', {}],
  ])('cannot be read from %s; the refusal says what to do', (_, nodes, element, constants) => {
    expect(() => classesOf(nodes, element, constants)).toThrow(
      /^it doesn't say which classes its label chooses from; say so in a model\.json .*--signature\)$/,
    );
  });

  it('are found at the end of a long chain without recursion', () => {
    const chain = Array.from({ length: 20_000 }, (_, at) => ({
      op: 'Identity',
      domain: '',
      inputs: [at === 0 ? 'numbers' : `i${at}`],
      outputs: [at === 19_999 ? 'label' : `i${at + 1}`],
    }));
    expect(classesOf(chain, 'int64')).toEqual([0, 1]);
  });
});
