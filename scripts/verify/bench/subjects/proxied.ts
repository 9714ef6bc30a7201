import { existsSync } from 'node:fs';
import { chmod, mkdtemp } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseConfig } from '../../../../server/settings/settings.ts';
import { writeProxyFile } from '../../../../server/primary/nginx/writeConfig.ts';
import { socketPath } from '../../../../server/platform/runtimeFolder.ts';
import type { Child } from '../child.ts';
import { startChild } from '../child.ts';
import type { Context } from '../context.ts';
import { freePort } from '../../../../server/testing/freePort.ts';
import { LOOPBACK } from '../ports.ts';
import { requireProgram } from '../programs.ts';
import type { Subject } from './subject.ts';
import { PROCESSES, answers, toNativeBody, until } from './subject.ts';

const START_TIMEOUT_MS = 30_000;

export interface ProxiedOptions {
  readonly name: 'echo' | 'naive';
  /** The Node program of a process; it is given the socket to listen on, then these. */
  readonly program: URL;
  readonly args: readonly string[];
}

/** Starts the product's own nginx configuration in front of other processes than the product's. */
export async function startProxied(context: Context, options: ProxiedOptions): Promise<Subject> {
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
