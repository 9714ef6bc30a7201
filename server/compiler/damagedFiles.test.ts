import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { AttributeSpec, GraphSpec } from '../testing/buildModel.ts';
import { buildModel } from '../testing/buildModel.ts';
import type { Pool } from '../inference/pool.ts';
import { createStrictPool } from '../testing/strictPool.ts';
import { withTemporaryFolder } from '../testing/temporaryFolder.ts';
import { putVersion, tinyFiles, tinyTreeAttributes } from '../testing/tinyRepository.ts';
import { withDeadline } from '../testing/withDeadline.ts';
import { findFastPath } from './fastPath.ts';
import { listFolder } from '../repository/folder.ts';
import { readModelVersion } from '../loading/readModelVersion.ts';

let pool: Pool;
beforeAll(() => {
  pool = createStrictPool(1, 10_000);
});
afterAll(() => pool.close());

/** Opens the only version of a repository as a server process does; returns the reason of a failure. */
async function refusalOf(repository: string): Promise<string> {
  try {
    const [candidate] = (await listFolder(repository)).candidates;
    const { model, readOnnx } = await readModelVersion(candidate as NonNullable<typeof candidate>);
    const onnx = await readOnnx();
    const found = onnx ? findFastPath(model, onnx) : model;
    const served = await withDeadline('the opening', pool.open(found), 15_000);
    await pool.release(served);
    return '';
  } catch (error) {
    return (error as Error).message;
  }
}

const refusalOfFile = (onnx: Uint8Array): Promise<string> =>
  withTemporaryFolder(async (repository) => {
    putVersion(repository, 'tiny/1', tinyFiles(1, onnx));
    return refusalOf(repository);
  });

const inputs = [{ name: 'x', element: 'float', dims: ['n', 1] }] as const;
const outputs = [{ name: 'y', element: 'float', dims: ['n', 1] }] as const;

const tree = (changes: Record<string, AttributeSpec>): Uint8Array => {
  const attributes = { ...tinyTreeAttributes(1), ...changes };
  return buildModel({
    inputs,
    outputs,
    nodes: [{ op: 'TreeEnsembleRegressor', inputs: ['x'], outputs: ['y'], attributes }],
  });
};

const graph = (nodes: GraphSpec['nodes'], constants: GraphSpec['constants'] = {}): Uint8Array =>
  buildModel({ inputs, outputs, nodes, constants });

describe('a model file', () => {
  it('that is well is served', async () => {
    expect(await refusalOfFile(tree({}))).toBe('');
  });

  it('alone, without a model.json, is served from what it says itself', async () => {
    await withTemporaryFolder(async (repository) => {
      putVersion(repository, 'tiny/1', { 'model.onnx': tree({}) });
      expect(await refusalOf(repository)).toBe('');
    });
  });

  it.each<[string, () => Uint8Array]>([
    ['nothing', () => new Uint8Array()],
    ['noise', () => Uint8Array.from({ length: 5000 }, (_, at) => (at * 7919) % 256)],
    ['half a model', () => tree({}).subarray(0, 200)],
    [
      'a tree that leads back to its root',
      () =>
        tree({
          nodes_modes: { strings: ['BRANCH_LEQ', 'BRANCH_LEQ', 'LEAF'] },
          nodes_truenodeids: { ints: [1, 0, 0] },
          nodes_falsenodeids: { ints: [2, 0, 0] },
        }),
    ],
    ['a node that is not there', () => tree({ nodes_truenodeids: { ints: [7, 0, 0] } })],
    ['a feature that is not there', () => tree({ nodes_featureids: { ints: [1_000_000, 0, 0] } })],
    ['a target that is not there', () => tree({ target_ids: { ints: [0, 99] } })],
    ['an unknown operator', () => graph([{ op: 'Explode', domain: 'evil', inputs: ['x'], outputs: ['y'] }])],
    [
      'nodes that wait for each other',
      () =>
        graph([
          { op: 'Identity', domain: '', inputs: ['y'], outputs: ['z'] },
          { op: 'Identity', domain: '', inputs: ['z'], outputs: ['y'] },
        ]),
    ],
    [
      'a tensor of 10^15 elements',
      () =>
        graph(
          [
            { op: 'ConstantOfShape', domain: '', inputs: ['shape'], outputs: ['huge'] },
            { op: 'ReduceSum', domain: '', inputs: ['huge'], outputs: ['sum'] },
            { op: 'Add', domain: '', inputs: ['x', 'sum'], outputs: ['y'] },
          ],
          { shape: { element: 'int64', dims: [1], values: [1_000_000_000_000_000] } },
        ),
    ],
  ])('of %s is refused in one line', async (_, make) => {
    const refusal = await refusalOfFile(make());
    expect(refusal).toMatch(/^model tiny\/1 refused: /);
    expect(refusal).not.toContain('\n');
  });
});

describe('a link', () => {
  it('within the repository is followed, as mounted volumes need it', async () => {
    await withTemporaryFolder(async (repository) => {
      putVersion(repository, 'data/..2026', tinyFiles(1));
      symlinkSync('..2026', join(repository, 'data/current'));
      mkdirSync(join(repository, 'tiny'));
      symlinkSync('../data/current', join(repository, 'tiny/1'));
      expect(await refusalOf(repository)).toBe('');
    });
  });

  it('that leads out of it is refused, and what it leads to is not read', async () => {
    await withTemporaryFolder(async (folder) => {
      const repository = join(folder, 'repository');
      const files = tinyFiles(1);
      delete files['model.json'];
      putVersion(repository, 'tiny/1', files);
      writeFileSync(join(folder, 'secret.json'), 'a secret');
      symlinkSync('../../../secret.json', join(repository, 'tiny/1/model.json'));
      expect(await refusalOf(repository)).toBe(
        'model tiny/1 refused: model.json is a link that leads out of the repository',
      );
    });
  });
});
