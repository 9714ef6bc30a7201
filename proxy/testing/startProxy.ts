import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ProxySettings, renderProxy } from '../render.ts';
import { freePort } from '../../server/testing/freePort.ts';
import { deadline } from '../../server/platform/deadline.ts';

const TEMPLATE = new URL('../../nginx.conf', import.meta.url);

/** The committed template. */
export const readTemplate = (): Promise<string> => readFile(TEMPLATE, 'utf8');

/** A private folder for one test, short enough for socket paths; `remove` deletes it. */
export async function makeRuntime(suffix = ''): Promise<{ path: string; remove: () => Promise<void> }> {
  const path = await mkdtemp(join(tmpdir(), `proxy${suffix}-`));
  // nginx's workers run as another user if root starts it.
  await chmod(path, 0o755);
  // This folder is not for the workers.
  await mkdir(join(path, 'own'), { mode: 0o700 });
  return { path, remove: () => rm(path, { recursive: true, force: true }) };
}

/** Settings that work everywhere; a test changes some. */
export const settingsFor = (runtime: string, changes: Partial<ProxySettings> = {}): ProxySettings => ({
  host: '127.0.0.1',
  port: 5000,
  maxBodyBytes: 1024 * 1024,
  maxFileBytes: 4 * 1024 * 1024,
  deadlineMs: 5000,
  accessLog: 'off',
  sockets: [join(runtime, '0.sock')],
  runtime,
  workers: 1,
  // This user has a group of the same name on every Linux; nginx needs both.
  ...(process.getuid?.() === 0 ? { user: 'daemon' } : {}),
  ...changes,
});

/** The output of `nginx -t` for a configuration. */
export async function checkProxy(settings: ProxySettings): Promise<{ status: number | null; said: string }> {
  const file = await writeConfiguration(settings);
  const { status, stderr } = spawnSync('nginx', ['-t', ...argumentsFor(settings.runtime, file)], {
    encoding: 'utf8',
  });
  return { status, said: stderr };
}

export interface Proxy {
  readonly port: number;
  readonly pid: number;
  /** nginx's error log and, with `accessLog: 'stdout'`, its access log. */
  readonly said: () => string;
  /** Resolves once the logs match. */
  readonly says: (pattern: RegExp) => Promise<RegExpExecArray>;
  /** Ends it gracefully, as servemodel.sh does. */
  readonly stop: () => Promise<void>;
}

export interface ProxyOptions {
  /** Changes the template first: a shorter timeout, a location that fails. */
  readonly edit?: ((template: string) => string) | undefined;
  /** Starts it as this user. */
  readonly uid?: number | undefined;
}

/** Starts a real nginx with the committed template on a free port. */
export async function startProxy(settings: ProxySettings, { edit, uid }: ProxyOptions = {}): Promise<Proxy> {
  const port = await freePort();
  const file = await writeConfiguration({ ...settings, port }, edit);
  // Node's pipes are sockets, and /dev/stdout can't be opened on a socket.
  const throughPipe = [
    '-c',
    'exec nginx "$@" > >(exec cat)',
    'nginx',
    ...argumentsFor(settings.runtime, file),
  ];
  const child = spawn('bash', throughPipe, {
    stdio: ['ignore', 'pipe', 'pipe'],
    ...(uid && { uid, gid: uid }),
  });
  const exited = once(child, 'exit');
  let log = '';
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk: Buffer) => (log += chunk.toString()));

  const says = async (pattern: RegExp): Promise<RegExpExecArray> => {
    for (;;) {
      const found = pattern.exec(log);
      if (found) return found;
      const more = Promise.race([once(child.stdout, 'data'), once(child.stderr, 'data')]);
      await deadline(more, 5000, `a line of nginx that matches ${pattern.source}`);
    }
  };

  const failed = exited.then(() => Promise.reject(new Error(`nginx ended at its start: ${log}`)));
  try {
    await deadline(
      Promise.race([accepting(settings.host, port), failed]),
      10_000,
      'nginx accepting connections',
    );
  } catch (error) {
    child.kill();
    throw error;
  } finally {
    // From here on its exit is expected.
    failed.catch(() => undefined);
  }
  return {
    port,
    pid: child.pid!,
    said: () => log,
    says,
    stop: async () => {
      if (child.exitCode !== null) return;
      child.kill('SIGQUIT');
      await deadline(exited, 20_000, 'the end of nginx');
    },
  };
}

async function writeConfiguration(
  settings: ProxySettings,
  edit: (template: string) => string = (template) => template,
): Promise<string> {
  const file = join(settings.runtime, 'nginx.conf');
  await writeFile(file, renderProxy(edit(await readTemplate()), settings));
  return file;
}

const argumentsFor = (runtime: string, file: string): string[] => ['-p', runtime, '-c', file, '-e', 'stderr'];

/** Resolves with the first connection that is accepted. */
function accepting(host: string, port: number): Promise<void> {
  return new Promise((resolve) => {
    const attempt = (): void => {
      const socket = connect(port, host, () => {
        socket.destroy();
        resolve();
      });
      socket.on('error', () => setTimeout(attempt, 5));
    };
    attempt();
  });
}
