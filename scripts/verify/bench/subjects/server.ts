import { cp, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { HOME } from '../../../../server/platform/install.ts';
import { startChild } from '../child.ts';
import type { Context } from '../context.ts';
import { LOOPBACK } from '../context.ts';
import { Failure } from '../../../cli/faults.ts';
import { requireProgram } from '../programs.ts';
import { freePort } from '../../../../server/testing/freePort.ts';
import { MODEL, VERSION } from '../rows.ts';
import type { Subject } from './subject.ts';
import { PROCESSES, THREADS, answers, toNativeBody, until } from './subject.ts';

/** The first start may build. */
const START_TIMEOUT_MS = 120_000;

export interface ServerOptions {
  readonly name: 'server' | 'direct';
  /** A model repository. */
  readonly repository: string;
  /** Default: `auto`. */
  readonly engine?: 'auto' | 'onnxruntime';
  /** Default: as many as every subject has. */
  readonly processes?: number;
  /** Whether drift metrics are on; default: true. */
  readonly drift?: boolean;
  /** Takes gRPC, too; default: it doesn't. */
  readonly grpcPort?: number;
  /** The only CPU that it may use; default: all. */
  readonly cpu?: number | undefined;
}

/** Makes a repository that holds the measured version alone. */
export async function makeRepository({ folder }: Context): Promise<string> {
  const repository = join(folder, 'models');
  const version = join(MODEL, VERSION);
  await mkdir(join(repository, MODEL), { recursive: true });
  await cp(join(HOME, 'models', version), join(repository, version), { recursive: true }).catch(() => {
    throw new Failure(`models/${version} is missing; run: git checkout -- models`);
  });
  return repository;
}

/** The product, running. */
export interface Server extends Subject {
  readonly metricsPort: number;
  /** From the start of the script to the first 200 of /health/ready. */
  readonly startSeconds: number;
}

/** Starts ./servemodel.sh, and waits until it is ready. */
export async function startServer(
  context: Context,
  { name, repository, engine = 'auto', processes = PROCESSES, drift = true, grpcPort, cpu }: ServerOptions,
): Promise<Server> {
  const [port, metricsPort] = [await freePort(), await freePort()];
  const began = performance.now();
  const [command, ...args] = [
    ...(cpu === undefined ? [] : [requireProgram('taskset'), '-c', String(cpu)]),
    join(HOME, 'servemodel.sh'),
    '--no-install',
    ...(name === 'direct' ? ['--no-proxy'] : []),
  ] as [string, ...string[]];
  const child = startChild({
    name,
    command,
    args,
    cwd: HOME,
    env: {
      TMPDIR: context.folder,
      HOST: LOOPBACK,
      METRICS_HOST: LOOPBACK,
      PORT: String(port),
      METRICS_PORT: String(metricsPort),
      WEB_CONCURRENCY: String(processes),
      INFERENCE_THREADS: String(THREADS),
      MODEL_REPOSITORY: repository,
      ENGINE: engine,
      ...(grpcPort === undefined ? {} : { GRPC_PORT: String(grpcPort) }),
      ...(drift ? {} : { DRIFT_WINDOW_MS: '0' }),
      LOG_LEVEL: 'info',
      ACCESS_LOG: 'off',
      NODE_ENV: 'production',
    },
  });
  context.cleanup.add(child.stop);
  const ready = (): Promise<boolean> => answers(port, '/health/ready');
  await until(context, `${name} is ready`, ready, [child], START_TIMEOUT_MS);
  return {
    name,
    port,
    metricsPort,
    startSeconds: (performance.now() - began) / 1000,
    path: '/predict',
    pids: [child.pid],
    maxConnections: Infinity,
    toBody: toNativeBody,
    stop: child.stop,
  };
}

/** How the server runs the model, from its metadata: `forest` is compiled, `onnxruntime` is the whole graph. */
export async function readEngine({ port }: Subject): Promise<string> {
  const response = await fetch(`http://${LOOPBACK}:${port}/models/${MODEL}`);
  const { engine } = (await response.json()) as { engine?: unknown };
  return typeof engine === 'string' ? engine : 'onnxruntime';
}
