import { existsSync } from 'node:fs';
import { chmod, mkdtemp, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { socketPath } from '../../../../server/platform/runtimeFolder.ts';
import { writeProxyFile } from '../../../../server/primary/nginx/writeConfig.ts';
import { parseConfig } from '../../../../server/settings/settings.ts';
import { freePort } from '../../../../server/testing/freePort.ts';
import type { Child } from '../child.ts';
import { startChild } from '../child.ts';
import type { Context } from '../context.ts';
import { LOOPBACK } from '../context.ts';
import { requireProgram } from '../programs.ts';
import { MODEL, VERSION } from '../rows.ts';
import type { Answer, Subject } from './subject.ts';
import { PROCESSES, answers, toNativeBody, until } from './subject.ts';

/** Headers that nginx and Node write themselves. */
const OF_TRANSPORT = ['connection', 'content-length', 'date', 'keep-alive', 'server', 'transfer-encoding'];

const START_TIMEOUT_MS = 30_000;

interface ProxiedOptions {
  readonly name: 'echo' | 'naive';
  /** The Node program of a process. Its arguments are the socket to listen on, then `args`. */
  readonly program: URL;
  readonly args: readonly string[];
}

/** Starts the product's nginx configuration in front of other processes. */
async function startProxied(context: Context, options: ProxiedOptions): Promise<Subject> {
  const { name, program, args } = options;
  const port = await freePort();
  const runtime = await mkdtemp(join(context.folder, `${name}.`));
  await chmod(runtime, 0o711);
  const config = parseConfig({
    HOST: LOOPBACK,
    PORT: String(port),
    METRICS_PORT: String(await freePort()),
    WEB_CONCURRENCY: String(PROCESSES),
  });
  writeProxyFile(config, runtime);
  const children: Child[] = [];
  const stop = async (): Promise<void> => {
    await Promise.all(children.map((child) => child.stop()));
  };
  context.cleanup.add(stop);
  const sockets = Array.from({ length: PROCESSES }, (_, slot) => socketPath(runtime, slot));
  for (const socket of sockets) {
    children.push(
      startChild({
        name,
        command: process.execPath,
        args: [fileURLToPath(program), socket, ...args],
        env: { NODE_ENV: 'production', ORT_DISABLE_TELEMETRY: '1' },
      }),
    );
  }
  // Before nginx, which sets a process aside that doesn't listen yet.
  await until(context, `${name} listens`, () => sockets.every(existsSync), children, START_TIMEOUT_MS);
  children.push(
    startChild({
      name: `${name}'s nginx`,
      command: requireProgram('nginx'),
      args: ['-p', runtime, '-c', join(runtime, 'nginx.conf'), '-e', 'stderr'],
    }),
  );
  const ready = (): Promise<boolean> => answers(port, '/health/ready');
  await until(context, `${name} is ready`, ready, children, START_TIMEOUT_MS);
  return {
    name,
    port,
    path: '/predict',
    pids: children.map(({ pid }) => pid),
    maxConnections: Infinity,
    toBody: toNativeBody,
    stop,
  };
}

/**
 * Starts the floor: what any server of this shape has to do for a request. It repeats constant answers.
 *
 * @param answers the server's real answers, by the number of rows
 */
export async function startEcho(context: Context, answers: ReadonlyMap<number, Answer>): Promise<Subject> {
  const constant = [...answers].map(([rows, { headers, body }]): [number, Answer] => {
    const own = Object.entries(headers).filter(([name]) => !OF_TRANSPORT.includes(name));
    return [rows, { headers: Object.fromEntries(own), body }];
  });
  const file = join(await mkdtemp(join(context.folder, 'answers.')), 'answers.json');
  await writeFile(file, JSON.stringify(constant));
  return startProxied(context, {
    name: 'echo',
    program: new URL('./echoProcess.js', import.meta.url),
    args: [file],
  });
}

/** Starts the simplest server on the same parts: the difference is the gain of the batching. */
export function startNaive(context: Context, repository: string): Promise<Subject> {
  return startProxied(context, {
    name: 'naive',
    program: new URL('./naiveProcess.js', import.meta.url),
    args: [join(repository, MODEL, VERSION)],
  });
}
