import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { Server } from '../../../server/testing/startServer.ts';
import { CHECKOUT, startServer } from '../../../server/testing/startServer.ts';
import { withTemporaryFolder } from '../../../server/testing/temporaryFolder.ts';
import { trainingMissing, trainingPython } from '../../../server/testing/trainingPython.ts';
import { withDeadline } from '../../../server/testing/withDeadline.ts';

vi.setConfig({ testTimeout: 180_000, hookTimeout: 1_500_000 });

/** Time on an idle machine, and on a busy one as much: other programs' turns don't count. */
const IMPORT_CPU_S = 15;

interface Output {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

async function runAt(
  cwd: string,
  program: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<Output> {
  const child = spawn(program, args, {
    cwd,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let out = '';
  let err = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (out += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (err += text));
  const [code] = (await withDeadline(program, once(child, 'close'), 800_000)) as [number];
  return { code, out, err };
}

/** A model as people save it, with rows that it hasn't seen and the library's own answers to them. */
interface Saved {
  readonly path: string;
  readonly rows: { readonly columns: readonly string[]; readonly data: readonly (readonly unknown[])[] };
  readonly predictions: readonly (string | number)[];
  readonly probabilities: readonly (readonly number[])[] | null;
}

interface Answer {
  readonly predictions: readonly (string | number)[];
  readonly probabilities?: readonly (readonly number[])[];
}

/** Whether the model compiles to a forest, by the names of makeModels.py. */
const MODELS: Readonly<Record<string, 'forest' | 'runtime'>> = {
  lightgbm: 'forest',
  'lightgbm-value': 'forest',
  'xgboost-json': 'forest',
  'xgboost-ubj': 'forest',
  'xgboost-third': 'forest',
  catboost: 'forest',
  'catboost-inside': 'forest',
  joblib: 'runtime',
  skops: 'runtime',
  'mlflow-skops': 'runtime',
  'mlflow-pickle': 'runtime',
  'mlflow-lightgbm': 'forest',
  'mlflow-xgboost': 'forest',
  'mlflow-onnx': 'forest',
};

const farthest = (some: readonly number[], others: readonly number[]): number =>
  some.reduce(
    (most, one, at) => Math.max(most, Math.abs(one - (others[at] as number)) / Math.max(1, Math.abs(one))),
    0,
  );

async function expectTheLibrarysAnswers(port: number, saved: Saved, route: string): Promise<void> {
  const wanted = saved.probabilities;
  const url = `http://127.0.0.1:${port}${route}${wanted ? '?probabilities=true' : ''}`;
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(saved.rows),
  });
  const answer = (await response.json()) as Answer;
  expect(response.status, JSON.stringify(answer).slice(0, 300)).toBe(200);
  expect(saved.predictions.length).toBeGreaterThanOrEqual(200);
  if (!wanted) {
    expect(farthest(saved.predictions as number[], answer.predictions as number[])).toBeLessThan(1e-5);
    return;
  }
  expect(answer.predictions).toEqual(saved.predictions);
  expect(farthest(wanted.flat(), answer.probabilities?.flat() ?? [])).toBeLessThan(1e-5);
}

describe.skipIf(trainingMissing)(`import, with the real libraries${trainingMissing ?? ''}`, () => {
  const folder = mkdtempSync(join(tmpdir(), 'servemodel-imports-'));
  const repository = join(folder, 'repository');
  const outputs = new Map<string, Output>();
  let server: Server;
  const saved = (name: string): Saved =>
    JSON.parse(readFileSync(join(folder, `${name}.json`), 'utf8')) as Saved;
  const importAt = (...args: readonly string[]): Promise<Output> =>
    runAt(folder, join(CHECKOUT, 'scripts/run'), ['import', ...args, '--python', trainingPython]);

  beforeAll(async () => {
    const made = await runAt(CHECKOUT, trainingPython, [
      '-W',
      'ignore',
      'scripts/testing/makeModels.py',
      folder,
    ]);
    expect(made.code, made.err).toBe(0);
    for (const name of Object.keys(MODELS)) {
      const { path } = saved(name);
      const python = name === 'mlflow-onnx' ? [] : ['--python', trainingPython];
      const args = ['import', path, '--name', name, '--repository', repository, ...python];
      outputs.set(name, await runAt(folder, join(CHECKOUT, 'scripts/run'), args));
    }
    server = await startServer({
      env: { MODEL_REPOSITORY: repository, WEB_CONCURRENCY: '1' },
      args: ['--no-install', '--no-proxy'],
    });
    await server.ready();
  });

  afterAll(async () => {
    await server.stop();
    await server.clean();
    rmSync(folder, { recursive: true, force: true });
  });

  it.each(Object.entries(MODELS))(
    '%s: one command, then the same answers over HTTP',
    async (name, engine) => {
      const { code, out, err } = outputs.get(name) as Output;
      expect(code, err).toBe(0);
      expect(out.split('\n')[0]).toMatch(
        new RegExp(`^${repository}/${name}/1: (classification|regression).* columns, `),
      );
      expect(out.includes('answered by the compiled forest'), out).toBe(engine === 'forest');
      expect(out).toContain(`curl localhost:5000/models/${name}/predict`);
      await expectTheLibrarysAnswers(server.port, saved(name), `/models/${name}/predict`);
    },
  );

  it('the call that it prints is answered', async () => {
    const [, body = ''] = /-d '(.*)'$/m.exec((outputs.get('joblib') as Output).out) ?? [];
    const headers = { 'content-type': 'application/json' };
    const url = `http://127.0.0.1:${server.port}/models/joblib/predict`;
    expect((await fetch(url, { method: 'POST', headers, body })).status).toBe(200);
  });

  it('made-up rows leave no ranges behind; real rows do, with quality', async () => {
    const json = (
      path: string,
    ): { inputs: { range?: unknown; distribution?: unknown }[]; metrics?: unknown } =>
      JSON.parse(readFileSync(join(repository, path, 'model.json'), 'utf8')) as never;
    expect(json('joblib/1').inputs.some(({ range, distribution }) => range ?? distribution)).toBe(false);
    const args = ['pipeline.joblib', '--repository', repository, '--rows', 'rows.csv', '--target', 'late'];
    const { code, out, err } = await importAt(...args, '--classes', 'early,late', '--name', 'real');
    expect([code, err.split('\n').length], err).toEqual([0, 2]);
    expect(out).toMatch(/^accuracy: 0\.\d+$/m);
    expect(out).toContain('classification (early, late), 4 columns');
    expect(json('real/1').inputs[0]).toMatchObject({ name: 'age', type: 'integer', range: [18, 89] });
  });

  it(`takes at most ${IMPORT_CPU_S} s of CPU time once there is an environment`, async () => {
    const command = ['import', 'pipeline.joblib', '--repository', repository, '--rows', 'rows.csv'];
    const { code, err } = await runAt(folder, 'bash', [
      ...['-c', 'TIMEFORMAT="CPU time %U %S"; time "$@"', 'bash', join(CHECKOUT, 'scripts/run')],
      ...[...command, '--name', 'timed', '--python', trainingPython],
    ]);
    expect(code, err).toBe(0);
    const [, user, system] = /^CPU time (\S+) (\S+)$/m.exec(err) ?? [];
    expect(Number(user) + Number(system)).toBeLessThan(IMPORT_CPU_S);
  });

  it('a pickle that is not the own file needs --trust', async () => {
    // Below another folder than the current one and the home.
    await withTemporaryFolder(async (elsewhere) => {
      cpSync(join(folder, 'inside.pkl'), join(elsewhere, 'inside.pkl'));
      const args = [join(elsewhere, 'inside.pkl'), '--repository', repository];
      const refused = await importAt(...args);
      expect([refused.code, refused.out, refused.err.split('\n').length]).toEqual([1, '', 2]);
      expect(refused.err).toContain('import it with --trust');
      expect(readdirSync(repository)).not.toContain('inside');
      const { code, err } = await importAt(...args, '--trust');
      expect(code, err).toBe(0);
      expect(err).toContain('runs the code that is in it');
    });
  });

  it.each([
    ['a text', 'no model at all\n', /can't be recognised by its content; import takes scikit-learn/],
    [
      'a dump of trees',
      '{"name":"tree","version":"v4","num_class":1,"feature_names":[],"tree_info":[]}',
      /save_model\('model.txt'\)/,
    ],
    ['half a booster', 'tree\nversion=v4\nnum_class=1\n', /isn't read by LightGBM|half/],
    ['another half', '{"learner":{"attributes":{', /isn't read by XGBoost/],
    ['a broken pickle', '\x80\x04}\x94(', /can't be loaded/],
    ['nothing', '', /is empty/],
  ])('%s is refused in one line, and nothing is left behind', async (_, content, reason) => {
    writeFileSync(join(folder, 'broken'), content, 'latin1');
    const { code, out, err } = await importAt('broken', '--repository', join(folder, 'none'));
    expect([code, out], err).toEqual([1, '']);
    expect(err.split('\n').filter((line) => !line.includes('runs the code')).length, err).toBe(2);
    expect(err).toMatch(reason);
    expect(readdirSync(folder)).toContain('none');
    expect(readdirSync(join(folder, 'none'))).toEqual([]);
  });

  it('a repository that is a file is refused in one line', async () => {
    const { code, err } = await importAt('lgb.txt', '--repository', 'rows.csv');
    expect(code).toBe(1);
    expect(err).toMatch(
      /^\S+rows\.csv\/lgb cannot be written \(\w+\): name another folder with --repository\n$/,
    );
  });

  it('a server that is pointed to an MLflow folder with an ONNX file takes the names of its signature', async () => {
    const one = await startServer({
      env: { MODEL_REPOSITORY: join(folder, 'mlOnnx'), WEB_CONCURRENCY: '1' },
      args: ['--no-install', '--no-proxy'],
    });
    try {
      await one.ready();
      await expectTheLibrarysAnswers(one.port, saved('mlflow-onnx'), '/predict');
    } finally {
      await one.stop();
      await one.clean();
    }
  });
});

/** Stands for uv: makes a bin/python that says what it is called with. */
const FAKE_UV = `#!/bin/sh
echo "uv $*" >>"$CALLS"
for last; do :; done
case "$*" in
  'venv '*) mkdir -p "$last/bin" && cp "$(command -v python3)" "$last/bin/python" ;;
esac
`;

/** Stands for python3 and its venv: writes what it was called with, and makes a bin/python that fails in pip. */
const FAKE = `#!/bin/sh
echo "$*" >>"$CALLS"
case "$*" in
  *inspecting.py*) exec "$REAL" "$@" ;;
  '-m venv '*) mkdir -p "$3/bin" && cp "$0" "$3/bin/python" ;;
  '-m pip '*) [ ! -e "$CALLS.fail" ] || { cat "$CALLS.fail" >&2; exit 1; } ;;
  *) echo 'import: stopped here' >&2; exit 1 ;;
esac
`;

describe('the environment of import', () => {
  it('is made once, whole or not at all, and --with makes another', async () => {
    await withTemporaryFolder(async (folder) => {
      const bin = join(folder, 'bin');
      mkdirSync(bin);
      writeFileSync(join(bin, 'python3'), FAKE, { mode: 0o755 });
      // Nothing but node and the shell's programs: no uv.
      for (const [name, path] of [['node', process.execPath]] as const) symlinkSync(path, join(bin, name));
      const calls = join(folder, 'calls');
      const real = (await runAt(folder, 'sh', ['-c', 'command -v python3'])).out.trim();
      const env = {
        PATH: `${bin}:/usr/bin:/bin`,
        CALLS: calls,
        REAL: real,
        XDG_CACHE_HOME: join(folder, 'cache'),
      };
      writeFileSync(join(folder, 'm.txt'), 'tree\n');
      const run = async (...args: string[]): Promise<[string, string[]]> => {
        writeFileSync(calls, '');
        const { err } = await runAt(
          folder,
          join(CHECKOUT, 'scripts/run'),
          ['import', 'm.txt', '--repository', 'r', ...args],
          env,
        );
        return [
          err,
          readFileSync(calls, 'utf8')
            .trim()
            .split('\n')
            .slice(1)
            .map((call) => call.split(' ').slice(0, 2).join(' ')),
        ];
      };
      const cached = (): string[] => readdirSync(join(folder, 'cache/servemodel'));
      writeFileSync(`${calls}.fail`, 'ERROR: no network\n');
      const [reason] = await run();
      expect(reason).toMatch(/^the Python environment can't be made: ERROR: no network \(/m);
      expect(cached()).toEqual([]);
      writeFileSync(
        `${calls}.fail`,
        'WARNING: Failed to establish a new connection\nERROR: Cannot install catboost, conflicting dependencies\n',
      );
      expect((await run())[0]).toMatch(/can't be made: no package index can be reached \(/);
      rmSync(`${calls}.fail`);
      const importing = '-m servemodel.importing';
      expect((await run())[1]).toEqual(['-m venv', '-m pip', importing]);
      expect(cached()).toEqual([expect.stringMatching(/^import-[\da-f]{12}$/)]);
      expect((await run())[1]).toEqual([importing]);
      expect((await run('--with', 'scikit-learn==1.7.2'))[1]).toEqual(['-m venv', '-m pip', importing]);
      expect(readFileSync(calls, 'utf8')).toMatch(/-m pip .* scikit-learn==1\.7\.2 /);
      expect(cached()).toHaveLength(2);
      writeFileSync(join(bin, 'uv'), FAKE_UV, { mode: 0o755 });
      expect((await run('--with', 'scikit-learn==1.6.1'))[1]).toEqual([
        'uv --version',
        'uv venv',
        'uv pip',
        importing,
      ]);
      // uv compiles no modules unless it is asked to: the first imports of large libraries take long.
      expect(readFileSync(calls, 'utf8')).toMatch(
        /uv pip install .*--compile-bytecode .* scikit-learn==1\.6\.1 /,
      );
      expect(cached()).toHaveLength(3);
    });
  });
});
