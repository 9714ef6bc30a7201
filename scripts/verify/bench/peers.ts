import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { HOME } from '../../../server/platform/install.ts';
import { startChild } from './child.ts';
import type { Context } from './context.ts';
import { Failure, Interrupted } from '../../cli/faults.ts';
import { requireProgram } from './programs.ts';

export const PEERS_FOLDER = join(HOME, 'scripts/verify/bench/peers');
const REQUIREMENTS = join(PEERS_FOLDER, 'requirements.txt');
const EXPLAIN_REQUIREMENTS = join(PEERS_FOLDER, 'requirements-explain.txt');
const MLSERVER_REQUIREMENTS = join(PEERS_FOLDER, 'requirements-mlserver.txt');
const TRAINING = join(HOME, 'scripts/models/train/adult.py');

/** What the peers run on, kept in the cache folder. */
export interface PeerFiles {
  readonly python: string;
  /** The environment's programs. */
  readonly bin: string;
  /** The scikit-learn pipeline. */
  readonly pipeline: string;
  /** The same as MLflow keeps it. */
  readonly mlflowModel: string;
}

/**
 * Installs the peers and trains their model, unless the cache folder has them for the same requirements and training.
 *
 * @throws {Failure} when a step fails, with what it said
 */
export async function preparePeers(context: Context, say: (text: string) => void): Promise<PeerFiles> {
  const folder = join(cacheFolder(), `bench-peers-${await digestOf(REQUIREMENTS, TRAINING)}`);
  const bin = join(folder, 'venv/bin');
  const pipeline = join(folder, 'pipeline.joblib');
  const files = { python: join(bin, 'python'), bin, pipeline, mlflowModel: join(folder, 'mlflow') };
  // Written last: without it, an earlier attempt was interrupted.
  const finished = join(folder, 'finished');
  if (existsSync(finished)) return files;

  const python3 = requireProgram('python3');
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  const run = async (what: string, command: string, ...args: string[]): Promise<void> => {
    say(`peers: ${what} (once; kept in ${folder})`);
    await runToEnd(context, `peers: ${what}`, command, args);
  };
  await run('making a Python environment', python3, '-m', 'venv', join(folder, 'venv'));
  const pip = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '-r', REQUIREMENTS];
  await run('installing FastAPI and MLflow, some minutes', files.python, ...pip);
  const model = join(folder, 'model');
  await run('training the model', files.python, TRAINING, '--output', model, '--joblib', pipeline);
  const save = join(PEERS_FOLDER, 'save_mlflow_model.py');
  await run("saving it in MLflow's form", files.python, save, pipeline, files.mlflowModel);
  await writeFile(finished, '');
  return files;
}

/** What explanations are compared with. @returns the environment's Python @throws {Failure} */
export const prepareExplainers = (context: Context, say: (text: string) => void): Promise<string> =>
  prepareEnvironment(context, say, 'explain', 'shap and LightGBM', EXPLAIN_REQUIREMENTS);

/** What gRPC is compared with. @returns the environment's Python @throws {Failure} */
export const prepareMlserver = (context: Context, say: (text: string) => void): Promise<string> =>
  prepareEnvironment(context, say, 'grpc', 'MLServer', MLSERVER_REQUIREMENTS);

/** Installs the packages of a part, unless the cache folder has them. */
async function prepareEnvironment(
  context: Context,
  say: (text: string) => void,
  part: string,
  packages: string,
  requirements: string,
): Promise<string> {
  const folder = join(cacheFolder(), `bench-${part}-${await digestOf(requirements)}`);
  const python = join(folder, 'venv/bin/python');
  const finished = join(folder, 'finished');
  if (existsSync(finished)) return python;
  const python3 = requireProgram('python3');
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  say(`${part}: installing ${packages}, some minutes (once; kept in ${folder})`);
  await runToEnd(context, `${part}: making a Python environment`, python3, [
    '-m',
    'venv',
    join(folder, 'venv'),
  ]);
  const pip = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '-r', requirements];
  await runToEnd(context, `${part}: installing ${packages}`, python, pip);
  await writeFile(finished, '');
  return python;
}

const cacheFolder = (): string =>
  join(process.env['XDG_CACHE_HOME'] || join(homedir(), '.cache'), 'servemodel');

async function digestOf(...paths: readonly string[]): Promise<string> {
  const hash = createHash('sha256');
  for (const path of paths) hash.update(await readFile(path));
  return hash.digest('hex').slice(0, 12);
}

/** Runs a program. @returns the end of what it wrote @throws {Failure} when it fails */
export async function runToEnd(
  { cleanup, signal }: Context,
  name: string,
  command: string,
  args: readonly string[],
): Promise<string> {
  const child = startChild({ name, command, args });
  cleanup.add(child.stop);
  const stop = (): void => void child.stop();
  signal.addEventListener('abort', stop, { once: true });
  const code = await child.ended;
  signal.removeEventListener('abort', stop);
  if (signal.aborted) throw new Interrupted();
  if (code !== 'code 0') throw new Failure(`${name} failed with ${code}:\n${child.log().trimEnd()}`);
  return child.log();
}
