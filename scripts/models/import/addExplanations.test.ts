import { cp, mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { countCovers } from '../../../worker/explanation/countCovers.ts';
import { readModel } from '../../../worker/onnx/model.ts';
import { writeCovers } from '../../../worker/onnx/writeCovers.ts';
import { fromHome } from '../../../server/platform/install.ts';
import { openExplained } from '../../../server/testing/explainRows.ts';
import { ADD_EXPLANATIONS_USAGE, addExplanations } from './addExplanations.ts';
import { withUsage } from '../../cli/tool.ts';

const EXPLAINED = fromHome('server/loading/fixtures/explained');
const TEXTS = ['p', 'q', 'r'];

let repository: string;
let said: string;
beforeEach(async () => {
  repository = await mkdtemp(join(tmpdir(), 'add-explanations-'));
  said = '';
});
afterEach(() => rm(repository, { recursive: true, force: true }));

const treeOf = (onnx: Uint8Array) => {
  const found = readModel(onnx).graph.nodes.find(({ op }) => op.startsWith('TreeEnsemble'));
  if (!found) throw new Error('the graph has no trees');
  return found;
};
const coversOf = (onnx: Uint8Array): Float32Array =>
  treeOf(onnx).attributes.get('nodes_hitrates')?.floats() ?? new Float32Array();

/** A version whose forest has no covers, and no background rows. */
async function bare(name: string): Promise<string> {
  const folder = join(repository, name, '1');
  await cp(join(EXPLAINED, name, '1'), folder, { recursive: true });
  await rm(join(folder, 'background.json'));
  const path = join(folder, 'model.onnx');
  const onnx = await readFile(path);
  if (!readModel(onnx).graph.nodes.some(({ op }) => op.startsWith('TreeEnsemble'))) return folder;
  const without = writeCovers(onnx, treeOf(onnx), coversOf(onnx).fill(1));
  await writeFile(path, without);
  const json = await readFile(join(folder, 'model.json'), 'utf8');
  const { createHash } = await import('node:crypto');
  const digest = createHash('sha256').update(without).digest('hex');
  await writeFile(join(folder, 'model.json'), json.replace(/"sha256": "[0-9a-f]+"/, `"sha256": "${digest}"`));
  return folder;
}

/** Halves, and a text. */
async function rows(count: number, columns = 'a,b,c,d,e,t'): Promise<string> {
  const path = join(repository, 'rows.csv');
  const lines = Array.from({ length: count }, (_, row) =>
    columns
      .split(',')
      .map((name, at) => (name === 't' ? TEXTS[row % 3] : ((row * (7 + 2 * at)) % 23) / 2 - 5)),
  );
  await writeFile(path, `${columns}\n${lines.map((line) => line.join()).join('\n')}\n`);
  return path;
}

const run = (...argv: string[]): Promise<number> => {
  const terminal = { write: (text: string) => (said += text) };
  return withUsage(ADD_EXPLANATIONS_USAGE, addExplanations)([...argv, '--repository', repository], {
    stdout: terminal,
    stderr: terminal,
    folder: repository,
    interrupt: new AbortController().signal,
  });
};
const candidateOf = (name: string) => ({
  name,
  version: 1,
  id: `${name}/1`,
  fingerprint: name,
  folder: join(repository, name, '1'),
  root: repository,
});

describe('import -- add-explanations', () => {
  it('counts the rows that come to each node of a forest, and keeps its answers', async () => {
    const folder = await bare('forest');
    const before = await readFile(join(folder, 'model.onnx'));
    const file = await rows(300);
    await expect(openExplained(candidateOf('forest'))).rejects.toThrow('no covers');
    expect([await run('forest/1', file, '--replace'), said]).toEqual([
      0,
      expect.stringContaining('explained by trees, in the space probability'),
    ]);
    const after = await readFile(join(folder, 'model.onnx'));
    const covers = coversOf(after);
    expect(Math.max(...covers)).toBe(300);
    // All else is as it was.
    expect(
      Buffer.compare(
        writeCovers(after, treeOf(after), coversOf(before)),
        writeCovers(before, treeOf(before), coversOf(before)),
      ),
    ).toBe(0);
    const { explain, answers, close } = await openExplained(candidateOf('forest'));
    const data = [[1, 2, 0.5, -1, 3, 'q']];
    const columns = ['a', 'b', 'c', 'd', 'e', 't'];
    const { base, contributions } = await explain(columns, data);
    const own = await answers(columns, data);
    base.forEach((value, k) => {
      const sum = contributions.subarray(6 * k, 6 * k + 6).reduce((total, one) => total + one, value);
      expect(sum).toBeCloseTo(own[k + 1] as number, 6);
    });
    await close();
    expect((await readdir(folder)).sort()).toEqual([
      'background.json',
      'golden.json',
      'model.json',
      'model.onnx',
    ]);
  });

  it('adds background rows to a model of another kind, and writes over none unasked', async () => {
    await bare('network');
    const file = await rows(80);
    expect([await run('network/1', file), said]).toEqual([0, expect.stringContaining('explained by exact')]);
    said = '';
    expect([await run('network/1', file), said]).toEqual([
      1,
      'background.json of network/1 would be written over: say so with --replace\n',
    ]);
    expect(await run('network/1', file, '--replace')).toBe(0);
  });

  it.each([
    ['forest', 99, 'a,b,c,d,e,t', ['--replace'], 'at least 100 rows, and the file has 99'],
    ['forest', 200, 'a,b,c,d,e,t', [], 'model.onnx and model.json of forest/1 would be written over'],
    ['forest', 200, 'a,b,c,d,t', ['--replace'], "doesn't take the rows"],
    ['network', 10, 'a,b,c,d,e', [], "doesn't take the rows"],
  ])('refuses %s with %i rows of %s %s', async (name, count, columns, options, reason) => {
    const folder = await bare(name);
    const before = await readFile(join(folder, 'model.onnx'));
    expect([await run(`${name}/1`, await rows(count, columns), ...options), said]).toEqual([
      1,
      expect.stringContaining(reason),
    ]);
    expect(said.trimEnd().split('\n')).toHaveLength(1);
    expect(Buffer.compare(before, await readFile(join(folder, 'model.onnx')))).toBe(0);
  });

  it('needs a version and rows', async () => {
    await bare('network');
    expect(await run('forest/1')).toBe(2);
    expect(await run('nothing/1', await rows(1))).toBe(1);
    expect(said).toContain('holds no nothing/1');
  });
});

it('covers of a node are those of its children', () => {
  const numbers = [0, 1, 2];
  const covers = countCovers(
    {
      kind: 'regressor',
      outputs: 1,
      nodeTreeIds: new Int32Array(3),
      nodeIds: Int32Array.from(numbers),
      nodeModes: Uint8Array.of(0, 6, 6),
      nodeFeatures: new Int32Array(3),
      nodeValues: new Float32Array(3),
      nodeTrueIds: Int32Array.of(1, 0, 0),
      nodeFalseIds: Int32Array.of(2, 0, 0),
      nodeMissingTrue: Uint8Array.of(1, 0, 0),
      weightTreeIds: new Int32Array(2),
      weightNodeIds: Int32Array.of(1, 2),
      weightOutputs: new Int32Array(2),
      weights: new Float32Array(2),
      baseValues: new Float32Array(),
      postTransform: 'NONE',
      aggregate: 'SUM',
    },
    Float32Array.of(-1, 0, 1, NaN),
    1,
  );
  expect([...covers]).toEqual([4, 3, 1]);
});
