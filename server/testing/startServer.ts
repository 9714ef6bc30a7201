import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { chmodSync, mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { once } from 'node:events';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { HOME } from '../platform/install.ts';
import { freePort } from './freePort.ts';
import { eventually, withDeadline } from './withDeadline.ts';

/** The checkout of these tests. */
export const CHECKOUT = HOME;

/** Covers a build of a checkout that is newer than its dist/. */
const READY_MS = 60_000;
/** The longest drain, and a little for a busy machine. */
const STOP_MS = 15_000;

/** A line that the server logged as JSON. */
export interface LogLine {
  readonly level: number;
  readonly role: string;
  readonly pid: number;
  readonly msg: string;
  readonly [member: string]: unknown;
}

/** How a server ended. */
export interface End {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  /** Time from the start, or from `stop`, to the end of servemodel.sh. */
  readonly ms: number;
}

export interface ServerOptions {
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly args?: readonly string[];
  /** The checkout to start; by default this one. */
  readonly checkout?: string;
  /** Starts it as this user and group. */
  readonly uid?: number | undefined;
  /** Part of the name of its TMPDIR. */
  readonly folder?: string;
}

/** A server as servemodel.sh runs it, in a session of its own: so all its processes are known, orphans too. */
export interface Server {
  readonly port: number;
  readonly metricsPort: number;
  /** Of servemodel.sh. */
  readonly pid: number;
  /** Its TMPDIR, which nothing else uses. */
  readonly tmp: string;
  /** Everything it wrote to stdout and to stderr. */
  said(): string;
  stdout(): string;
  lines(): readonly LogLine[];
  /** Waits for a line of the log. */
  says(what: string, matches: (line: LogLine) => boolean, ms?: number): Promise<LogLine>;
  /** Waits until it is ready; a server that ends before is an error with its output. */
  ready(): Promise<Server>;
  primary(): number;
  serverProcesses(): number[];
  nginx(): number;
  nginxWorkers(): number[];
  /** Every process that it started and that lives. */
  processes(): number[];
  signal(name: NodeJS.Signals): void;
  /** Waits for its end, whatever the reason. */
  ended(ms?: number): Promise<End>;
  /** TERM, and waits for the end. */
  stop(): Promise<End>;
  /** Its remains: processes, open ports and files. Waits for the last ones, which end by themselves. */
  leftBehind(): Promise<string[]>;
  /** Kills its remaining processes and removes its folder. */
  clean(): Promise<void>;
}

interface Process {
  readonly pid: number;
  readonly parent: number;
  readonly session: number;
  readonly command: string;
}

/** The living processes of a session, by /proc. */
function processesOf(session: number): Process[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => {
      try {
        const stat = readFileSync(`/proc/${name}/stat`, 'utf8');
        // The name before it may hold spaces and parentheses.
        const [state, parent, , id] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
        if (state === 'Z' || Number(id) !== session) return [];
        const command = readFileSync(`/proc/${name}/cmdline`, 'utf8').replaceAll('\0', ' ');
        return [{ pid: Number(name), parent: Number(parent), session, command }];
      } catch {
        return [];
      }
    });
}

const accepts = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
    socket.once('connect', () => socket.destroy());
  });

function parseLines(text: string): LogLine[] {
  return text
    .split('\n')
    .filter((line) => line.startsWith('{"level"') && line.endsWith('}'))
    .map((line) => JSON.parse(line) as LogLine);
}

/** The environment without variables that would change the server under test. */
function cleanEnvironment(): Record<string, string | undefined> {
  const { PATH, HOME, LANG } = process.env;
  return { PATH, HOME, LANG };
}

/** Starts servemodel.sh on free ports of 127.0.0.1 and returns at once. */
export async function launchServer(options: ServerOptions = {}): Promise<Server> {
  const { env = {}, args = ['--no-install'], checkout = CHECKOUT, uid, folder = '' } = options;
  const port = Number(env['PORT'] ?? (await freePort()));
  const metricsPort = Number(env['METRICS_PORT'] ?? (await freePort()));
  const tmp = mkdtempSync(join(tmpdir(), `start${folder}-`));
  // nginx's workers are another user where root starts it, and have to reach the sockets in there.
  chmodSync(tmp, uid === undefined ? 0o755 : 0o777);
  const started = performance.now();
  const child: ChildProcess = spawn(join(checkout, 'servemodel.sh'), args, {
    detached: true,
    cwd: tmp,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      ...cleanEnvironment(),
      HOST: '127.0.0.1',
      PORT: String(port),
      METRICS_PORT: String(metricsPort),
      WEB_CONCURRENCY: '2',
      TMPDIR: tmp,
      ...env,
    },
    ...(uid === undefined ? {} : { uid, gid: uid }),
  });
  let said = '';
  let stdout = '';
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
    said += text;
  });
  child.stderr?.setEncoding('utf8').on('data', (text: string) => (said += text));
  const exited = once(child, 'exit').then(
    ([code, signal]: unknown[]) => ({ code, signal, ms: performance.now() - started }) as End,
  );
  // Else a server whose end isn't awaited would be an unhandled rejection.
  exited.catch(() => undefined);
  await once(child, 'spawn');
  const pid = child.pid as number;

  const tail = (): string => said.slice(-3000);
  /** Adds the server's output to an error: it has the cause. */
  const orSay = async <T>(promise: Promise<T>): Promise<T> => {
    try {
      return await promise;
    } catch (error) {
      throw new Error(`${(error as Error).message}\n--- the server said:\n${tail()}`, { cause: error });
    }
  };
  const find = (what: string, matches: (process: Process) => boolean): number => {
    const found = processesOf(pid).find(matches);
    if (!found) throw new Error(`${what} is not there; the server said:\n${tail()}`);
    return found.pid;
  };
  const isNode = ({ command }: Process): boolean => command.includes('dist/server/main.js');
  const primary = (): number => find('the primary', (process) => process.parent === pid && isNode(process));
  const server: Server = {
    port,
    metricsPort,
    pid,
    tmp,
    said: () => said,
    stdout: () => stdout,
    lines: () => parseLines(stdout),
    says: (what, matches, ms = 10_000) => orSay(eventually(what, () => parseLines(stdout).find(matches), ms)),
    ready: async () => {
      const early = exited.then(({ code }) => Promise.reject(new Error(`it ended with code ${code}`)));
      early.catch(() => undefined);
      const up = server.says('ready', ({ msg }) => msg.startsWith('ready on'), READY_MS);
      up.catch(() => undefined);
      await orSay(Promise.race([up, early]));
      return server;
    },
    primary,
    serverProcesses: () => {
      const parent = primary();
      return processesOf(pid)
        .filter((process) => process.parent === parent && isNode(process))
        .map((process) => process.pid);
    },
    nginx: () =>
      find('nginx', ({ parent, command }) => parent === pid && command.startsWith('nginx: master')),
    nginxWorkers: () => {
      const master = server.nginx();
      return processesOf(pid)
        .filter(({ parent }) => parent === master)
        .map((process) => process.pid);
    },
    processes: () => processesOf(pid).map((process) => process.pid),
    signal: (name) => void process.kill(pid, name),
    ended: (ms = STOP_MS) => orSay(withDeadline('servemodel.sh has ended', exited, ms)),
    stop: async () => {
      const start = performance.now();
      if (child.exitCode === null && child.signalCode === null) process.kill(pid, 'SIGTERM');
      const end = await server.ended();
      return { ...end, ms: performance.now() - start };
    },
    leftBehind: async () => {
      const look = async (): Promise<string[]> => [
        ...processesOf(pid).map((process) => `process ${process.pid}: ${process.command}`),
        ...(await Promise.all(
          [port, metricsPort]
            .filter(Number.isInteger)
            .map(async (open) => ((await accepts(open)) ? [`port ${open}`] : [])),
        ).then((ports) => ports.flat())),
        ...readdirSync(tmp).map((name) => `file ${name}`),
      ];
      await eventually('nothing is left', async () => (await look()).length === 0, 2000).catch(
        () => undefined,
      );
      return look();
    },
    clean: async () => {
      for (const left of processesOf(pid)) {
        try {
          process.kill(left.pid, 'SIGKILL');
        } catch {
          // It ended by itself in between.
        }
      }
      await eventually('the end of all processes', () => processesOf(pid).length === 0, 20_000);
      rmSync(tmp, { recursive: true, force: true });
    },
  };
  return server;
}

/** Starts a server and waits until it is ready. The caller stops it and cleans up. */
export async function startServer(options: ServerOptions = {}): Promise<Server> {
  const server = await launchServer(options);
  try {
    return await server.ready();
  } catch (error) {
    await server.clean();
    throw error;
  }
}

/** Runs a test against a server that was only launched, and ends whatever is left of it. */
export async function withLaunched<T>(
  options: ServerOptions,
  run: (server: Server) => Promise<T>,
): Promise<T> {
  const server = await launchServer(options);
  try {
    return await run(server);
  } finally {
    await server.clean();
  }
}

/** Runs a test against a server that is ready, and ends whatever is left of it. */
export const withServer = <T>(options: ServerOptions, run: (server: Server) => Promise<T>): Promise<T> =>
  withLaunched(options, async (server) => run(await server.ready()));
