import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { cpSync, existsSync, mkdirSync, readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import { readKeys } from '../../server/access/keys.ts';
import { buildModel } from '../../server/testing/buildModel.ts';
import { mixesRows, random } from '../../server/testing/smallGraphs.ts';
import { CHECKOUT } from '../../server/testing/startServer.ts';
import { withTemporaryFolder } from '../../server/testing/temporaryFolder.ts';
import { putVersion, tinyFiles, tinyTree } from '../../server/testing/tinyRepository.ts';
import { withDeadline } from '../../server/testing/withDeadline.ts';

vi.setConfig({ testTimeout: 60_000, hookTimeout: 180_000 });

type Json = Readonly<Record<string, unknown>>;

interface Output {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

async function runAt(program: string, args: readonly string[], cwd?: string): Promise<Output> {
  const child = spawn(program, args, { cwd, stdio: ['ignore', 'pipe', 'pipe'] });
  let out = '';
  let err = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (out += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (err += text));
  const [code] = (await withDeadline(program, once(child, 'close'), 150_000)) as [number];
  return { code, out, err };
}

const RUN = join(CHECKOUT, 'scripts/run');
const run = (tool: string, ...args: readonly string[]): Promise<Output> => runAt(RUN, [tool, ...args]);

// The first one compiles.
beforeAll(() => run('compare', '--help'));

const LINE = [{ name: 'x', element: 'float', dims: ['n', 1] }] as const;
const LINE_OUT = [{ name: 'y', element: 'float', dims: ['n', 1] }] as const;
/** An operator that there isn't. */
const NODE = { op: 'Nothing', inputs: ['x'], outputs: ['y'] };

const fixture = (name: string): string => join(CHECKOUT, 'server/compiler/fixtures', `${name}.onnx`);

const list = (await runAt(RUN, [])).out;
const TOOLS = [...list.matchAll(/^ {2}(\S+)/gm)].map(([, name]) => name as string);
/** Written in Python: what they need may not be there. */
const PYTHON = ['add-distribution'];
const NEED_ARGUMENTS = ['import', 'compare', 'api-key', 'replay', ...PYTHON];
/** Those that `npm run` doesn't start. */
const RUN_ALONE = ['add-distribution', 'dashboards', 'servable'];
const { scripts } = JSON.parse(readFileSync(join(CHECKOUT, 'package.json'), 'utf8')) as {
  scripts: Readonly<Record<string, string>>;
};

describe.each(TOOLS)('%s', (tool) => {
  it('prints its usage, and refuses a wrong option in one line', async () => {
    const [help, wrong] = await Promise.all([run(tool, '--help'), run(tool, '--nonsense')]);
    const started = RUN_ALONE.includes(tool) ? `./scripts/run ${tool}` : `npm run ${tool} -- `;
    expect([help.code, help.err]).toEqual([0, '']);
    expect(help.out.startsWith(`Usage: ${started}`), help.out.split('\n')[0]).toBe(true);
    expect([wrong.code, wrong.out, wrong.err.split('\n').length]).toEqual([2, '', 2]);
    if (!PYTHON.includes(tool)) expect(wrong.err).toContain('--nonsense');
    if (!NEED_ARGUMENTS.includes(tool)) return;
    const none = await run(tool);
    expect([none.code, none.out, none.err.split('\n').length]).toEqual([2, '', 2]);
  });
});

it.each(TOOLS.filter((tool) => !RUN_ALONE.includes(tool)))('npm run %s starts it', (tool) => {
  expect(scripts[tool]).toMatch(new RegExp(`^(npm run --silent build && )?\\./scripts/run ${tool}$`));
});

describe('scripts/run', () => {
  it('lists every tool, below the heading of its folder', () => {
    const places = [...list.matchAll(/^(\w+): .*\n((?: {2}.*\n)+)/gm)].flatMap(([, room = '', lines = '']) =>
      lines.match(/(?<=^ {2})\S+/gm)?.map((name) => `${room}/${name}`),
    );
    const folders = ['models', 'operate', 'verify', 'generate'].flatMap((room) =>
      readdirSync(join(CHECKOUT, 'scripts', room))
        .filter((name) => existsSync(join(CHECKOUT, 'scripts', room, name, 'main.ts')))
        .map((name) => `${room}/${name}`),
    );
    expect(places.sort()).toEqual([...folders, ...PYTHON.map((name) => `models/${name}`)].sort());
  });

  it.each([
    ['replya', 'replay'],
    ['import-model', 'import'],
    ['verify/bench', 'bench'],
  ])('names the nearest tool to %s', async (name, nearest) => {
    expect(await run(name)).toEqual({
      code: 2,
      out: '',
      err: `no tool "${name}"; the nearest is ${nearest} (./scripts/run lists all)\n`,
    });
  });

  it('starts a tool by npm in the folder where npm was called', async () => {
    await withTemporaryFolder(async (folder) => {
      const args = ['--silent', '--prefix', CHECKOUT, 'run', 'api-key', '--', 'one', '--file', 'keys'];
      const { code, err } = await runAt('npm', args, folder);
      expect([code, err]).toEqual([0, '']);
      expect(readKeys({ API_KEYS: [], API_KEYS_FILE: join(folder, 'keys') })).toHaveLength(1);
      const wrong = await runAt('npm', [...args.slice(0, -3), '--nonsense'], folder);
      expect([wrong.code, wrong.out, wrong.err.split('\n').length]).toEqual([2, '', 2]);
    });
  });

  it('leaves nothing of a build that fails', async () => {
    await withTemporaryFolder(async (folder) => {
      const compiler = join(folder, 'node_modules/.bin');
      mkdirSync(compiler, { recursive: true });
      writeFileSync(join(compiler, 'tsc'), '#!/bin/sh\nexit 3\n', { mode: 0o755 });
      const parts = [
        'scripts/run',
        'scripts/generate/model-json-check',
        'models/model.schema.json',
        'package-lock.json',
      ];
      for (const part of parts) cpSync(join(CHECKOUT, part), join(folder, part), { recursive: true });
      mkdirSync(join(folder, 'server/loading'), { recursive: true });
      // First the generator can't be compiled, then the tools.
      expect((await runAt(join(folder, 'scripts/run'), ['replay'])).code).toBe(3);
      expect(readdirSync(join(folder, 'node_modules'))).toEqual(['.bin']);
      writeFileSync(join(folder, 'server/loading/modelJson.generated.ts'), '');
      expect((await runAt(join(folder, 'scripts/run'), ['replay'])).code).toBe(3);
      expect(readdirSync(folder).sort()).toEqual([
        'models',
        'node_modules',
        'package-lock.json',
        'scripts',
        'server',
      ]);
    });
  });
});

describe('api-key', () => {
  it('adds a line of its own to a file, whose last line may lack its end', async () => {
    await withTemporaryFolder(async (folder) => {
      const file = join(folder, 'keys');
      const add = async (client: string): Promise<string> =>
        (await run('api-key', client, '--file', file)).out.replace(/^key +(\S+)\n$/, '$1');
      const keys = [await add('one')];
      expect(statSync(file).mode & 0o777).toBe(0o600);
      // As some editors leave it.
      writeFileSync(file, readFileSync(file, 'utf8').trimEnd());
      keys.push(await add('two'), await add('three'));
      const read = readKeys({ API_KEYS: [], API_KEYS_FILE: file });
      expect(read).toEqual(
        ['one', 'two', 'three'].map((client, at) => ({
          client,
          digest: createHash('sha256')
            .update(keys[at] as string)
            .digest('hex'),
        })),
      );
      expect(readFileSync(file, 'utf8').split('\n')).toHaveLength(4);
    });
  });
});

describe('import of an ONNX file', () => {
  it('takes answers of rows alone where they depend on the batch, and refuses random ones', () =>
    withTemporaryFolder(async (folder) => {
      const onnx = join(folder, 'model.onnx');
      writeFileSync(onnx, mixesRows());
      expect(await run('import', onnx, '--name', 'mixing', '--repository', folder)).toMatchObject({
        code: 0,
      });
      const golden = JSON.parse(readFileSync(join(folder, 'mixing/1/golden.json'), 'utf8')) as Json;
      expect(golden['predictions']).toEqual(Array.from({ length: 8 }, () => 1));
      writeFileSync(onnx, random());
      const { code, err } = await run('import', onnx, '--name', 'random', '--repository', folder);
      expect([code, err]).toEqual([1, expect.stringContaining('random operators')]);
    }));

  it('writes a folder that can be served, with what the rows teach', async () => {
    await withTemporaryFolder(async (folder) => {
      const rows = join(folder, 'rows.csv');
      writeFileSync(rows, 'city,amount,size,visits,extra\nParis,1.5,L,3,x\nRome,-2,S,,y\nParis,7,L,1,z\n');
      const args = [fixture('lightgbm-regressor'), '--name', 'shop', '--repository', folder];
      const { code, out } = await run('import', ...args, '--rows', rows);
      expect([code, out.split('\n')[0]]).toEqual([
        0,
        `${folder}/shop/1: regression, 4 columns, 3 golden rows`,
      ]);
      const signature = JSON.parse(readFileSync(join(folder, 'shop/1/model.json'), 'utf8')) as {
        inputs: object[];
      };
      expect(signature.inputs).toEqual([
        { name: 'amount', onnx: 'amount', type: 'number', nullable: false, range: [-2, 7] },
        { name: 'city', onnx: 'city', type: 'string', nullable: false, categories: ['Paris', 'Rome'] },
        { name: 'visits', onnx: 'visits', type: 'number', nullable: true, range: [1, 3] },
        { name: 'size', onnx: 'size', type: 'string', nullable: false, categories: ['L', 'S'] },
      ]);
      // The next one.
      expect((await run('import', ...args)).out).toContain(`${folder}/shop/2: regression`);
      const same = join(folder, 'same.jsonl');
      writeFileSync(same, '{"city":"Paris","amount":1.5,"size":"L","visits":3}\n');
      const compared = await run('compare', 'shop/1', 'shop/2', same, '--repository', folder);
      expect(compared.out).toMatch(/^1 rows, shop\/1 -> shop\/2\nlabels that change: 0 \(0.00 %\)/);
    });
  });

  it('says in one line why a model cannot be served, and leaves nothing behind', async () => {
    await withTemporaryFolder(async (folder) => {
      const broken = join(folder, 'broken.onnx');
      writeFileSync(broken, tinyTree(1).subarray(0, 100));
      const cyclic = join(folder, 'endless.onnx');
      writeFileSync(cyclic, buildModel({ inputs: LINE, outputs: LINE_OUT, nodes: [NODE] }));
      for (const [file, reason] of [
        [cyclic, /ONNX Runtime refuses it/],
        [broken, /damaged|holds no graph/],
        [join(folder, 'none.onnx'), /cannot be read \(ENOENT\)/],
      ] as const) {
        const { code, err } = await run('import', file, '--name', 'm', '--repository', folder);
        expect([code, err.split('\n').length]).toEqual([1, 2]);
        expect(err).toMatch(reason);
      }
      expect(readdirSync(folder)).toEqual(['broken.onnx', 'endless.onnx']);
    });
  });

  it('reads the classes of a model whose graph picks them from a list', async () => {
    await withTemporaryFolder(async (folder) => {
      const rows = join(folder, 'texts.csv');
      writeFileSync(rows, 'text\nmy parcel never came\n"paid, and charged again"\n');
      const onnx = join(CHECKOUT, 'models/text/1/model.onnx');
      const { code, out, err } = await run(
        'import',
        onnx,
        '--name',
        't',
        '--repository',
        folder,
        '--rows',
        rows,
      );
      expect([code, err]).toEqual([0, '']);
      expect(out).toContain('/t/1: classification (account, delivery, payment), 1 columns, 2 golden rows');
      const { outputs } = JSON.parse(readFileSync(join(folder, 't/1/model.json'), 'utf8')) as Json;
      expect(outputs).toMatchObject({ classes: ['account', 'delivery', 'payment'] });
    });
  });

  it.each([
    ['a short row', 'x\n1\n2,3\n', /row 1 \(line 3\): expected 1 cells, found 2$/m],
    ['an unclosed quote', 'x\n1\n"2\n3\n', /row 1 \(line 3\): a quote is opened, but never closed$/m],
    ['a hexadecimal number', 'x\n1\n0x10\n', /^row 1, column x: expected a number, found a string$/m],
    ['Infinity', 'x\nInfinity\n', /^row 0, column x: expected a number, found a string$/m],
    ['a number beyond float32', 'x\n1e400\n', /^row 0, column x: expected a number within ±3.4e38, found/m],
    ['bytes that are no text', Buffer.from('x\n\xff\n', 'latin1'), /rows\.csv is not valid UTF-8$/m],
  ])('names the fault of the rows in one line: %s', async (_, csv, reason) => {
    await withTemporaryFolder(async (folder) => {
      const onnx = join(folder, 'tiny.onnx');
      writeFileSync(onnx, tinyTree(1));
      const rows = join(folder, 'rows.csv');
      writeFileSync(rows, csv);
      const { code, err } = await run('import', onnx, '--name', 'm', '--repository', folder, '--rows', rows);
      expect([code, err.split('\n').length]).toEqual([1, 2]);
      expect(err).toMatch(reason);
      expect(readdirSync(folder)).toEqual(['rows.csv', 'tiny.onnx']);
    });
  });

  it('has what an ONNX file leaves open from its options', async () => {
    await withTemporaryFolder(async (folder) => {
      const onnx = join(CHECKOUT, 'server/testing/userModels/logits3.onnx');
      const { code, out, err } = await run(
        'import',
        onnx,
        '--repository',
        folder,
        '--classes',
        '"a, b",c,d',
        '--columns',
        'x,y',
      );
      expect([code, err]).toEqual([0, '']);
      expect(out).toMatch(
        /\/logits3\/1: classification \(a, b, c, d\), 2 columns, .*"X_0" is "x", "X_1" is "y"/s,
      );
      expect(out).toContain('its scores look like logits (--scores says otherwise): Softmax and the label');
    });
  });

  it.each([
    [
      'an option without use beside another',
      ['--classes', 'a,b', '--task', 'ranking'],
      /--task has no use beside/,
    ],
    [
      'a task that a graph shows',
      ['--task', 'clustering'],
      /--task is one of ranking, multioutput-regression, /,
    ],
    [
      'scores of another kind',
      ['--classes', 'a,b', '--scores', 'odds'],
      /--scores is probabilities or logits/,
    ],
    ['an option of Python', ['--tolerance', '1'], /--tolerance has no use for an ONNX file/],
    ['a list that is no CSV', ['--columns', '"a'], /--columns is a line of CSV/],
  ])('refuses %s', async (_, options, reason) => {
    const onnx = join(CHECKOUT, 'server/testing/userModels/logits3.onnx');
    const { code, out, err } = await run('import', onnx, ...options);
    expect([code, out, err.split('\n').length]).toEqual([2, '', 2]);
    expect(err).toMatch(reason);
  });

  it('says in one line that no folder can be made', async () => {
    await withTemporaryFolder(async (folder) => {
      const onnx = join(folder, 'tiny.onnx');
      writeFileSync(onnx, tinyTree(1));
      // A file; and a file system in which Node's own way of making folders never ends.
      for (const [repository, reason] of [
        [onnx, /tiny\.onnx\/m cannot be written \(ENOTDIR\): name another folder with --repository$/m],
        ['/proc/none', /\/proc\/none\/m cannot be written \((?:ENOENT|EACCES)\): name another folder/],
      ] as const) {
        const { code, err } = await run('import', onnx, '--name', 'm', '--repository', repository);
        expect([code, err.split('\n').length]).toEqual([1, 2]);
        expect(err).toMatch(reason);
      }
    });
  });
});

describe('compare', () => {
  it('shows what would change', async () => {
    await withTemporaryFolder(async (folder) => {
      putVersion(folder, 'tiny/1', tinyFiles(1));
      putVersion(folder, 'tiny/2', tinyFiles(2));
      const rows = join(folder, 'rows.csv');
      writeFileSync(rows, 'x\n0\n1\n');
      writeFileSync(`${rows}.gz`, gzipSync('\ufeffx\n0\n1\n'));
      const compare = (file: string): Promise<Output> =>
        run('compare', 'tiny/1', 'tiny/2', file, '--repository', folder, '--json');
      const { code, out } = await compare(rows);
      expect(await compare(`${rows}.gz`)).toEqual({ code, out, err: '' });
      expect(code).toBe(0);
      expect(JSON.parse(out)).toEqual({
        models: ['tiny/1', 'tiny/2'],
        rows: 2,
        flips: 0,
        flipRate: 0,
        meanDifference: 1,
        maxDifference: 1,
        labels: [],
        changes: [
          { row: 0, before: 1, after: 2, difference: 1 },
          { row: 1, before: 1.5, after: 2.5, difference: 1 },
        ],
      });
    });
  });

  it.each([
    ['a version that is not there', ['tiny/9', 'tiny/1'], 'x\n0\n', /holds no tiny\/9$/m],
    [
      'a cell that is none',
      ['tiny/1', 'tiny/1'],
      'x\nabc\n',
      /\(row 0, column x: expected a number, found a string\)$/m,
    ],
    ['a number that is no JSON', ['tiny/1', 'tiny/1'], 'x\n1\n0x10\n', /row 1, column x: expected a number/],
    ['an unclosed quote', ['tiny/1', 'tiny/1'], 'x\n"1\n', /row 0 \(line 2\): a quote is opened/],
    ['a long row', ['tiny/1', 'tiny/1'], 'x\n1,2\n', /row 0 \(line 2\): expected 1 cells, found 2$/m],
    ['a column that is missing', ['tiny/1', 'tiny/1'], 'y\n1\n', /missing: "x"/],
  ])('says in one line what is wrong: %s', async (_, versions, csv, reason) => {
    await withTemporaryFolder(async (folder) => {
      putVersion(folder, 'tiny/1', tinyFiles(1));
      const rows = join(folder, 'rows.csv');
      writeFileSync(rows, csv);
      const { code, err } = await run('compare', ...versions, rows, '--repository', folder);
      expect([code, err.split('\n').length]).toEqual([1, 2]);
      expect(err).toMatch(reason);
    });
  });
});
