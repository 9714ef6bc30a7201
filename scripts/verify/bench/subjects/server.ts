import { cp, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { HOME } from '../../../../server/platform/install.ts';
import type { Child } from '../child.ts';
import { startChild } from '../child.ts';
import type { Context } from '../context.ts';
import { BenchError } from '../../../cli/errors.ts';
import { freePort } from '../../../../server/testing/freePort.ts';
import { LOOPBACK } from '../ports.ts';
import { MODEL, VERSION } from '../rows.ts';
import type { Subject } from './subject.ts';
import { PROCESSES, THREADS, answers, toNativeBody, until } from './subject.ts';

/** The first start may build. */
const START_TIMEOUT_MS = 120_000;

export interface ServerOptions {
  readonly name: 'server' | 'direct';
  /** A model repository. */
  readonly repository: string;
  /** `auto` unless said otherwise. */
  readonly engine?: 'auto' | 'onnxruntime';
  /** As many as every subject has, unless said otherwise. */
  readonly processes?: number;
  /** Off, to see what it costs. */
  readonly drift?: boolean;
}

/** Makes a repository that holds the measured version alone, whatever else the product's own gets. */
export async function makeRepository({ folder }: Context): Promise<string> {
  const repository = join(folder, 'models');
  const version = join(MODEL, VERSION);
  await mkdir(join(repository, MODEL), { recursive: true });
  await cp(join(HOME, 'models', version), join(repository, version), { recursive: true }).catch(() => {
    throw new BenchError(`models/${version} is missing; run: git checkout -- models`);
  });
  return repository;
}

/** Starts ./servemodel.sh without waiting for it. */
export function spawnServer(
  { folder }: Context,
  { name, repository, engine = 'auto', processes = PROCESSES, drift = true }: ServerOptions,
  [port, metricsPort]: readonly [number, number],
): Child {
  return startChild({
    name,
    command: join(HOME, 'servemodel.sh'),
    args: ['--no-install', ...(name === 'direct' ? ['--no-proxy'] : [])],
    cwd: HOME,
    env: {
      TMPDIR: folder,
      HOST: LOOPBACK,
      METRICS_HOST: LOOPBACK,
      PORT: String(port),
      METRICS_PORT: String(metricsPort),
      WEB_CONCURRENCY: String(processes),
      INFERENCE_THREADS: String(THREADS),
      MODEL_REPOSITORY: repository,
      ENGINE: engine,
      ...(drift ? {} : { DRIFT_WINDOW_MS: '0' }),
      LOG_LEVEL: 'info',
      ACCESS_LOG: 'off',
      NODE_ENV: 'production',
    },
  });
}

/** Starts the product itself. */
export async function startServer(context: Context, options: ServerOptions): Promise<Subject> {
  const port = await freePort();
  const child = spawnServer(context, options, [port, await freePort()]);
  context.cleanup.add(child.stop);
  const ready = (): Promise<boolean> => answers(port, '/health/ready');
  await until(context, `${options.name} is ready`, ready, [child], START_TIMEOUT_MS);
  return {
    name: options.name,
    port,
    path: '/predict',
    pids: [child.pid],
    maxConnections: Infinity,
    toBody: toNativeBody,
    stop: child.stop,
  };
}

/** How the server runs the model, as its metadata say: `forest` is compiled, `onnxruntime` is the whole graph. */
export async function readEngine({ port }: Subject): Promise<string> {
  const response = await fetch(`http://${LOOPBACK}:${port}/models/${MODEL}`);
  const { engine } = (await response.json()) as { engine?: unknown };
  return typeof engine === 'string' ? engine : 'onnxruntime';
}
