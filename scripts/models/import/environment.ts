import { createHash } from 'node:crypto';
import { readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { fromHome } from '../../../server/platform/install.ts';
import { makeFolder } from '../../../server/platform/makeFolder.ts';
import { Failure } from '../../cli/faults.ts';
import type { Terminal } from '../../cli/liveLine.ts';
import { showLine } from '../../cli/liveLine.ts';
import type { ProcessOptions } from './process.ts';
import { runProcess } from './process.ts';

/** xgboost brings 300 MB for graphics cards where there is no package without them. */
const XGBOOST = process.platform === 'linux' && process.arch === 'x64' ? 'xgboost-cpu' : 'xgboost';

/**
 * One environment for all kinds of files, so that only the first import waits. protobuf: from 7 on skl2onnx can't export
 * a HistGradientBoosting model.
 */
const BASE = [
  ...[
    'numpy',
    'pandas',
    'scikit-learn',
    'joblib',
    'cloudpickle',
    'onnx',
    'onnxruntime',
    'skl2onnx',
    'protobuf<7',
  ],
  ...['lightgbm', XGBOOST, 'onnxmltools', 'catboost', 'skops'],
];

const packageOf = (spec: string): string =>
  (/^[\w.-]+/.exec(spec)?.[0] ?? spec).toLowerCase().replaceAll('_', '-');

/** The packages of an environment; those that the user names replace others. */
function packagesFor(needs: readonly string[], wanted: readonly string[]): string[] {
  const own = [...BASE, ...needs.filter((need) => !BASE.includes(need) && need !== 'xgboost')];
  const named = new Set(wanted.map(packageOf));
  const replaced = (spec: string): boolean =>
    named.has(packageOf(spec)) || (packageOf(spec) === XGBOOST && named.has('xgboost'));
  return [...new Set([...own.filter((spec) => !replaced(spec)), ...wanted])].sort();
}

export interface EnvironmentOptions {
  /** Packages that the file names. */
  readonly needs: readonly string[];
  readonly wanted: readonly string[];
  /** The program that makes the environment, and its version. */
  readonly python: string;
  readonly version: string;
  readonly folder: string;
  readonly interrupt: AbortSignal;
  readonly stderr: Terminal;
}

const has = (program: string, { folder, interrupt }: EnvironmentOptions): Promise<boolean> =>
  runProcess(program, ['--version'], { folder, interrupt }).then(
    ({ code }) => code === 0,
    () => false,
  );

/** Whether a Python has PyTorch with its exporter, without importing them. */
export async function hasTorch(python: string, options: ProcessOptions): Promise<boolean> {
  const code =
    'import sys; from importlib.util import find_spec as f; sys.exit(not (f("torch") and f("onnxscript")))';
  return (await runProcess(python, ['-c', code], options)).code === 0;
}

/** The commands that make an environment in a folder: by uv where it is there, which takes seconds. */
async function commands(
  at: string,
  packages: readonly string[],
  constraints: readonly string[],
  options: EnvironmentOptions,
): Promise<string[][]> {
  const python = join(at, 'bin/python');
  const wheels = ['--only-binary', ':all:', ...constraints, ...packages];
  if (await has('uv', options))
    return [
      ['uv', 'venv', '--quiet', '--python', options.python, at],
      ['uv', 'pip', 'install', '--quiet', '--compile-bytecode', '--python', python, ...wheels],
    ];
  return [
    [options.python, '-m', 'venv', at],
    [python, '-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', ...wheels],
  ];
}

/** Why an installer failed. Without a network, pip's last line speaks of versions. */
function reasonOf(said: string): string | undefined {
  if (/establish a new connection|failed to lookup address|error sending request/i.test(said))
    return 'no package index can be reached';
  const lines = said.trim().split('\n');
  return lines.find((line) => line.startsWith('ERROR')) ?? lines.at(-1)?.replace(/^\W*cause: /, '');
}

async function make(at: string, packages: readonly string[], options: EnvironmentOptions): Promise<void> {
  const { wanted, stderr } = options;
  // The versions that are tested, unless the user wants others: what these go with is the installer's to find.
  const tested = fromHome('scripts/models/requirements.txt');
  const constraints = wanted.length === 0 ? ['-c', tested] : [];
  stderr.write(`making a Python environment, once, in some minutes: ${packages.join(' ')}\n`);
  const start = performance.now();
  const end = showLine(() => `installing, ${((performance.now() - start) / 1000).toFixed(0)} s`, stderr);
  try {
    for (const [program = '', ...args] of await commands(at, packages, constraints, options)) {
      const { code, stderr: said } = await runProcess(program, args, {
        folder: options.folder,
        interrupt: options.interrupt,
      });
      if (code === 0) continue;
      const reason = reasonOf(said) ?? `exit code ${code}`;
      throw new Failure(
        `the Python environment can't be made: ${reason.slice(0, 300)} (a network is needed; python3-venv or uv; or --python with an environment of your own)`,
      );
    }
  } finally {
    end();
  }
}

/**
 * An environment with these packages, in the cache folder: made at first use, whole or not at all.
 *
 * @returns the path of its Python
 * @throws {Failure | Interrupted}
 */
export async function findEnvironment(options: EnvironmentOptions): Promise<string> {
  const packages = packagesFor(options.needs, options.wanted);
  const cache = join(process.env['XDG_CACHE_HOME'] || join(homedir(), '.cache'), 'servemodel');
  const tested = await readFile(fromHome('scripts/models/requirements.txt'));
  const hash = createHash('sha256')
    .update(`${options.version}\n${packages.join('\n')}\n`)
    .update(tested);
  const folder = join(cache, `import-${hash.digest('hex').slice(0, 12)}`);
  const python = join(folder, 'bin/python');
  if (await stat(join(folder, '.complete')).catch(() => undefined)) return python;
  // Aside: another import may make the same.
  const aside = `${folder}.${process.pid}`;
  await makeFolder(cache);
  try {
    await make(aside, packages, options);
    await writeFile(join(aside, '.complete'), '');
    await rename(aside, folder).catch(async (error: unknown) => {
      if (!(await stat(join(folder, '.complete')).catch(() => undefined))) throw error;
    });
  } finally {
    await rm(aside, { recursive: true, force: true });
  }
  return python;
}
