import { join } from 'node:path';
import { freePort } from '../../../../server/testing/freePort.ts';
import type { ChildOptions } from '../child.ts';
import { startChild } from '../child.ts';
import type { Context } from '../context.ts';
import { LOOPBACK } from '../context.ts';
import type { PeerFiles } from '../peers.ts';
import { PEERS_FOLDER } from '../peers.ts';
import { MODEL, VERSION } from '../rows.ts';
import type { Subject } from './subject.ts';
import { PROCESSES, answers, toNativeBody, until } from './subject.ts';

/** Python imports all of scikit-learn in each process. */
const START_TIMEOUT_MS = 120_000;
/** MLflow answers a few hundred requests a second: with more clients, a measurement would see no answer. */
const MLFLOW_CONNECTIONS = 64;

/** Starts a server that is ready once it answers /ping. */
async function startPeer(
  context: Context,
  subject: Pick<Subject, 'name' | 'port' | 'path' | 'maxConnections' | 'toBody'>,
  program: Pick<ChildOptions, 'command' | 'args' | 'env'>,
): Promise<Subject> {
  const { name, port } = subject;
  const child = startChild({ ...program, name, cwd: context.folder });
  context.cleanup.add(child.stop);
  const ready = (): Promise<boolean> => answers(port, '/ping');
  await until(context, `${name} is ready`, ready, [child], START_TIMEOUT_MS);
  return { ...subject, pids: [child.pid], stop: child.stop };
}

/** Starts FastAPI with ONNX Runtime, tuned, without a proxy. */
export async function startFastapi(
  context: Context,
  { python }: PeerFiles,
  repository: string,
): Promise<Subject> {
  const port = await freePort();
  return startPeer(
    context,
    { name: 'fastapi', port, path: '/predict', maxConnections: Infinity, toBody: toNativeBody },
    {
      command: python,
      args: [
        ...['-m', 'uvicorn', 'fastapi_app:app', '--app-dir', PEERS_FOLDER],
        ...['--host', LOOPBACK, '--port', String(port), '--workers', String(PROCESSES)],
        ...['--loop', 'uvloop', '--http', 'httptools', '--no-access-log', '--log-level', 'warning'],
      ],
      env: { BENCH_MODEL: join(repository, MODEL, VERSION), PYTHONDONTWRITEBYTECODE: '1' },
    },
  );
}

/** Starts MLflow's own server on the scikit-learn pipeline. */
export async function startMlflow(
  context: Context,
  { python, bin, mlflowModel }: PeerFiles,
): Promise<Subject> {
  const port = await freePort();
  return startPeer(
    context,
    {
      name: 'mlflow',
      port,
      path: '/invocations',
      maxConnections: MLFLOW_CONNECTIONS,
      toBody: ({ columns, data }) => JSON.stringify({ dataframe_split: { columns, data } }),
    },
    {
      command: python,
      args: [
        ...['-m', 'mlflow', 'models', 'serve', '--model-uri', mlflowModel, '--env-manager', 'local'],
        ...['--host', LOOPBACK, '--port', String(port), '--workers', String(PROCESSES)],
      ],
      env: {
        // It starts uvicorn by its name.
        PATH: `${bin}:${process.env['PATH'] ?? ''}`,
        MLFLOW_DISABLE_TELEMETRY: 'true',
        PYTHONDONTWRITEBYTECODE: '1',
      },
    },
  );
}
