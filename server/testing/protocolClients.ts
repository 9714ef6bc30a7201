import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { fromHome } from '../platform/install.ts';
import { freePort } from './freePort.ts';
import { eventually } from './withDeadline.ts';

/** The requirements of the environment: scripts/test.sh uses the same files in the same order. */
const SOURCES = [
  'scripts/verify/bench/peers/requirements.txt',
  'scripts/testing/clients-requirements.txt',
  'scripts/testing/saveMlflowModel.py',
  'scripts/models/train/adult.py',
];
/** Python imports all of scikit-learn and MLflow. */
const START_MS = 90_000;

function folderOf(): string {
  const hash = createHash('sha256');
  for (const path of SOURCES) hash.update(readFileSync(fromHome(path)));
  const cache = process.env['XDG_CACHE_HOME'] || join(homedir(), '.cache');
  return join(cache, 'servemodel', `clients-${hash.digest('hex').slice(0, 12)}`);
}

const folder = folderOf();

/** The path of one of its programs: `python`, `schemathesis`, … */
export const clientProgram = (name: string): string => join(folder, 'bin', name);

/** Why tests that need the clients can't run here, or undefined where they can. */
export const clientsMissing: string | undefined = existsSync(join(folder, '.complete'))
  ? undefined
  : 'skipped, the Python environment of the protocol clients is missing: ./scripts/test.sh makes it';

/** A test's title that carries the reason when it is skipped. */
export const needsClients = (title: string): string =>
  clientsMissing ? `${title} (${clientsMissing})` : title;

/** MLflow's own scoring server. */
export interface MlflowServer {
  readonly port: number;
  stop(): void;
}

/** Starts what `mlflow models serve` starts, on the pipeline that the default model was exported from. */
export async function startMlflow(): Promise<MlflowServer> {
  const port = await freePort();
  const app = 'mlflow.pyfunc.scoring_server.app:app';
  let said = '';
  const child = spawn(
    clientProgram('python'),
    ['-m', 'uvicorn', '--host', '127.0.0.1', '--port', String(port), app],
    {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: {
        PATH: process.env['PATH'],
        HOME: process.env['HOME'],
        __pyfunc_model_path__: join(folder, 'mlflow'),
        MLFLOW_DISABLE_TELEMETRY: 'true',
      },
    },
  );
  const keep = (text: string): void => void (said = (said + text).slice(-3000));
  child.stdout.setEncoding('utf8').on('data', keep);
  child.stderr.setEncoding('utf8').on('data', keep);
  const stop = (): void => void child.kill('SIGKILL');
  const ready = async (): Promise<boolean> => {
    if (child.exitCode !== null) throw new Error(`MLflow ended:\n${said}`);
    const ping = await fetch(`http://127.0.0.1:${port}/ping`).catch(() => undefined);
    return ping?.status === 200;
  };
  try {
    await eventually("MLflow's scoring server", ready, START_MS);
  } catch (error) {
    stop();
    throw error;
  }
  return { port, stop };
}
