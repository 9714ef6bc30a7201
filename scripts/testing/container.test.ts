import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SETTINGS, parseConfig } from '../../server/settings/settings.ts';
import { readAdultRows } from '../../server/testing/adultRows.ts';
import type { LoadReport } from '../../server/testing/load.ts';
import { LOST_NOTHING, singles, startLoad, together } from '../../server/testing/load.ts';
import { Metrics } from '../../server/testing/scrape.ts';
import { freePort } from '../../server/testing/freePort.ts';
import { eventually, withDeadline } from '../../server/testing/withDeadline.ts';
import { dockerAt } from '../verify/rehearse/docker.ts';
import { rehearse } from '../verify/rehearse/rehearse.ts';

const CHECKOUT = fileURLToPath(new URL('../..', import.meta.url));
const ENGINE_SCRIPT = join(CHECKOUT, 'scripts/testing/dockerEngine.sh');
const read = (file: string): string => readFileSync(join(CHECKOUT, file), 'utf8');

const DOCKERFILE = read('Dockerfile');
const VERSION = (JSON.parse(read('package.json')) as { version: string }).version;
/** The default of an ARG of the Dockerfile. */
const argOf = (name: string): string | undefined =>
  new RegExp(`^ARG ${name}=(.*)$`, 'm').exec(DOCKERFILE)?.[1];

const MB = 1e6;
const MAX_OWN_BYTES = 110 * MB;
const MAX_IMAGE_BYTES = 400 * MB;
/** What Docker gives a container between TERM and KILL. */
const STOP_LIMIT_MS = 10_000;
/** Half a second of work for two processes, when there are four requests of so many. */
const LARGE_ROWS = 8000;
/** A start on half a CPU of a busy machine. */
const READY_MS = 60_000;
/** Processes are killed for this long until one had requests. */
const INTERRUPTED_MS = 60_000;
/** With the fewest rights. */
const HARDENED = [
  '--read-only',
  '--tmpfs=/tmp',
  '--cap-drop=ALL',
  '--security-opt=no-new-privileges',
] as const;

// --- The engine -------------------------------------------------------------------------------------------------

interface Result {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a program to its end. One that isn't there has the code 127. */
async function run(command: string, args: readonly string[], ms = 20_000): Promise<Result> {
  const child = spawn(command, args, { cwd: CHECKOUT, stdio: ['ignore', 'pipe', 'pipe'] });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  const ended = once(child, 'close').then(
    ([code]: unknown[]) => ({ code: code as number | null, stdout, stderr }),
    (error: unknown) => ({ code: 127, stdout, stderr: String(error) }),
  );
  try {
    return await withDeadline(`the end of ${command} ${args.join(' ')}`, ended, ms);
  } finally {
    child.kill();
  }
}

/** Runs a docker command that has to succeed; what it wrote to stdout. */
async function docker(args: readonly string[], ms?: number): Promise<string> {
  const { code, stdout, stderr } = await run('docker', args, ms);
  if (code !== 0) {
    throw new Error(`docker ${args.join(' ')} ended with ${code}:\n${stdout.slice(-3000)}\n${stderr}`);
  }
  return stdout.trim();
}

const inspect = async <T>(what: string, id: string): Promise<T> =>
  JSON.parse(await docker(['inspect', '--format', `{{json ${what}}}`, id])) as T;

// Short, as the engine's sockets lie in it. Each run has names of its own: the engine may be everybody's.
const folder = mkdtempSync(join(tmpdir(), 'docker.'));
const IMAGE = `servemodel-test:${folder.slice(-6).toLowerCase()}`;
const LABEL = `servemodel.test=${folder}`;

/** Takes all that was started down again when its stdin closes: at the latest when this process is gone, however. */
const CLEANER = `cat >/dev/null
export DOCKER_HOST=\${DOCKER_HOST-}
if [ -S "$2/docker.sock" ]; then DOCKER_HOST=unix://$2/docker.sock; fi
docker ps --all --quiet --filter "label=$3" | xargs -r docker rm --force --volumes
docker image rm "$4"
"$1" stop "$2"
rm -rf -- "$2"`;

const cleaner = spawn('bash', ['-c', CLEANER, 'cleaner', ENGINE_SCRIPT, folder, LABEL, IMAGE], {
  // Of its own session, so that a terminal's Ctrl-C doesn't end it.
  detached: true,
  stdio: ['pipe', 'ignore', 'ignore'],
});
const cleaned = once(cleaner, 'close');
// A folder that the cleaner can't have is no reason to hang: nothing was started then.
cleaned.catch(() => undefined);

const UNAVAILABLE = 69;

/** A step of the engine's script: its stdout, or why there is no engine here. */
async function engineStep(...args: readonly string[]): Promise<Result & { readonly missing?: string }> {
  const result = await run(ENGINE_SCRIPT, args, 300_000);
  const lastLine = result.stderr.trim().split('\n').at(-1) ?? '';
  if (result.code === UNAVAILABLE) return { ...result, missing: lastLine };
  if (result.code !== 0) throw new Error(`dockerEngine.sh ${args.join(' ')}: ${result.stderr}`);
  return result;
}

/** The image that the build starts from, or why the container can't be tried here. */
async function prepare(): Promise<{ readonly base: string; readonly missing?: string }> {
  const started = await engineStep('start', folder);
  if (started.missing !== undefined) return { base: '', missing: started.missing };
  const host = /^DOCKER_HOST=(.+)$/m.exec(started.stdout)?.[1];
  if (host !== undefined) process.env['DOCKER_HOST'] = host;
  const standard = argOf('BASE') ?? '';
  // Where there is a registry, the image is the one that the README's command builds.
  const pulled = await run('docker', ['pull', '--quiet', standard], 180_000);
  if (pulled.code === 0) return { base: standard };
  const made = await engineStep('base', folder, 'servemodel-base:test');
  return { base: 'servemodel-base:test', ...(made.missing === undefined ? {} : { missing: made.missing }) };
}

const { base, missing } = await prepare();

afterAll(async () => {
  cleaner.stdin.end();
  // Gigabytes of layers, on a disk that others may use.
  await withDeadline('the engine is gone', cleaned, 280_000);
  expect(existsSync(folder), 'the engine left its folder').toBe(false);
}, 300_000);

// --- A container ------------------------------------------------------------------------------------------------

interface Line {
  readonly msg?: string;
  readonly [member: string]: unknown;
}

interface Process {
  readonly pid: number;
  readonly parent: number;
  /** R, S, Z and so on. */
  readonly state: string;
  /** A line of /proc/PID/status by its name. */
  status(name: string): string;
}

interface Container {
  readonly id: string;
  readonly port: number;
  get(path: string): Promise<Response>;
  scrape(): Promise<Metrics>;
  stdout(): string;
  stderr(): string;
  lines(): Line[];
  /** Waits for a log line that begins with this message, behind the first `after` ones. */
  says(msg: string, after?: number, ms?: number): Promise<Line>;
  /** Waits until it serves; its log's line. */
  ready(): Promise<Line>;
  healthy(): Promise<void>;
  exec(script: string): Promise<string>;
  processes(): Promise<Process[]>;
  /** Pids of the server processes, as the container counts. */
  serverProcesses(): Promise<number[]>;
  /** Waits until so many serve. */
  serving(count: number): Promise<void>;
  exitCode(): Promise<number>;
}

async function startContainer(args: readonly string[]): Promise<Container> {
  const id = await docker([
    'run',
    '--detach',
    `--label=${LABEL}`,
    '--publish=127.0.0.1:0:5000',
    '--publish=127.0.0.1:0:9464',
    // The probe itself is the image's own.
    '--health-interval=1s',
    ...args,
    IMAGE,
  ]);
  // Ends with the container.
  const logs = spawn('docker', ['logs', '--follow', id], { stdio: ['ignore', 'pipe', 'pipe'] });
  let stdout = '';
  let stderr = '';
  logs.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  logs.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  const published = async (port: number): Promise<number> =>
    Number(/:(\d+)$/m.exec(await docker(['port', id, String(port)]))?.[1]);
  const port = await published(5000);
  const metricsPort = await published(9464);

  const container: Container = {
    id,
    port,
    get: (path) => fetch(`http://127.0.0.1:${port}${path}`, { signal: AbortSignal.timeout(10_000) }),
    scrape: async () => {
      const answer = await fetch(`http://127.0.0.1:${metricsPort}/metrics`, {
        signal: AbortSignal.timeout(10_000),
      });
      expect(answer.status).toBe(200);
      return new Metrics(await answer.text());
    },
    stdout: () => stdout,
    stderr: () => stderr,
    lines: () =>
      stdout
        .split('\n')
        .slice(0, -1)
        .map((line) => JSON.parse(line) as Line),
    says: (msg, after = 0, ms = 20_000) =>
      eventually(
        `the log says "${msg}"`,
        () =>
          container
            .lines()
            .slice(after)
            .find((line) => line.msg?.startsWith(msg)),
        ms,
      ),
    ready: async () => {
      // The log's end is the container's.
      const early = once(logs, 'exit').then(() => Promise.reject(new Error('it ended before it was ready')));
      early.catch(() => undefined);
      const up = container.says('ready on', 0, READY_MS);
      up.catch(() => undefined);
      return Promise.race([up, early]);
    },
    healthy: async () => {
      const isHealthy = async (): Promise<boolean> =>
        (await inspect<string>('.State.Health.Status', id)) === 'healthy';
      await eventually('the container is healthy', isHealthy, 20_000);
    },
    exec: (script) => docker(['exec', id, 'sh', '-c', script]),
    processes: async () => {
      // A process may end in between: what cat says about it doesn't matter.
      const { stdout: text } = await run('docker', ['exec', id, 'sh', '-c', 'cat /proc/[0-9]*/status']);
      return text
        .split(/^(?=Name:)/m)
        .filter((entry) => entry !== '')
        .map((entry) => {
          const status = (name: string): string =>
            new RegExp(`^${name}:\\s*(.*)$`, 'm').exec(entry)?.[1] ?? '';
          return {
            pid: Number(status('Pid')),
            parent: Number(status('PPid')),
            state: status('State').slice(0, 1),
            status,
          };
        });
    },
    serverProcesses: async () => {
      const primary = container.lines().find(({ msg }) => msg?.startsWith('ready on'))?.['pid'];
      const all = await container.processes();
      // Beside them, the primary starts the process that compares fast paths.
      const { stdout } = await run('docker', [
        'exec',
        id,
        'sh',
        '-c',
        'grep -ls server/main.js /proc/[0-9]*/cmdline',
      ]);
      const servers = new Set([...stdout.matchAll(/\d+/g)].map(([pid]) => Number(pid)));
      return all
        .filter(({ pid, parent, state }) => servers.has(pid) && parent === primary && state !== 'Z')
        .map(({ pid }) => pid)
        .sort((a, b) => a - b);
    },
    serving: async (count) => {
      const reached = async (): Promise<boolean> =>
        (await container.scrape()).sum('server_processes') === count;
      await eventually(`${count} server processes`, reached, 20_000);
    },
    exitCode: async () => Number(await docker(['wait', id])),
  };
  return container;
}

const endContainer = ({ id }: Container): Promise<string> => docker(['rm', '--force', '--volumes', id]);

/** Runs a test with a container of its own; a failure shows what the container wrote. */
async function withContainer<T>(
  args: readonly string[],
  test: (container: Container) => Promise<T>,
): Promise<T> {
  const container = await startContainer(args);
  try {
    return await test(container);
  } catch (error) {
    if (error instanceof Error) {
      error.message += `\n--- the container said:\n${container.stdout().slice(-3000)}${container.stderr().slice(-2000)}`;
    }
    throw error;
  } finally {
    await endContainer(container);
  }
}

/** The README's own request. */
function readmeRequest(): { readonly path: string; readonly init: RequestInit; readonly answer: string } {
  const example =
    /^curl -X POST localhost:5000(\/\S+) -H '(\S+): (\S+)' -d '(.+)'\n# (.+)$/m.exec(read('README.md')) ?? [];
  const [, path = '', header = '', value = '', body = '', answer = ''] = example;
  return { path, init: { method: 'POST', headers: { [header]: value }, body }, answer };
}

async function predictsAsInReadme({ port }: Container): Promise<void> {
  const { path, init, answer } = readmeRequest();
  const response = await fetch(`http://127.0.0.1:${port}${path}`, init);
  expect(await response.text()).toBe(answer);
  expect(response.status).toBe(200);
}

/** Every request got the right answer. Not toMatchObject, for which any errors hold the empty ones. */
function expectNothingLost({ wrong, errors, failures }: LoadReport): void {
  expect({ wrong, errors, failures }).toEqual(LOST_NOTHING);
}

// --- The tests --------------------------------------------------------------------------------------------------

describe('the Dockerfile', () => {
  it('gives the image the version of package.json', () => {
    expect(argOf('VERSION')).toBe(VERSION);
  });

  it('starts from the image whose stand-in the container tests use', () => {
    const standIn = /^readonly SUITE=(\S+)\nreadonly NODE_MAJOR=(\d+)$/m.exec(
      read('scripts/testing/dockerEngine.sh'),
    );
    expect(argOf('BASE')).toBe(`node:${standIn?.[2]}-${standIn?.[1]}-slim`);
  });

  it('copies just what .dockerignore lets through', () => {
    const copied = [...DOCKERFILE.matchAll(/^COPY (?!--from)(.+) \S+$/gm)].flatMap(([, sources = '']) =>
      sources.split(' '),
    );
    const allowed = [...read('.dockerignore').matchAll(/^!(.+)$/gm)].map(([, name]) => name);
    expect(copied.toSorted()).toEqual(allowed.toSorted());
    expect(copied.filter((name) => !existsSync(join(CHECKOUT, name)))).toEqual([]);
  });
});

describe.skipIf(missing !== undefined)(`the container${missing ? ` (skipped, ${missing})` : ''}`, () => {
  const rows = missing === undefined ? readAdultRows() : [];
  const cases = singles(rows.slice(0, 2000));
  // Work enough that the processes, and not the clients, are what is busy: one that is killed holds requests.
  const blocks = Array.from({ length: 20 }, (_, block) =>
    together(rows.slice(block * 400, block * 400 + 400)),
  );

  beforeAll(async () => {
    // Only the build needs other machines, and a private engine's bridge doesn't lead to them.
    await docker(
      ['build', '--network=host', `--build-arg=BASE=${base}`, `--tag=${IMAGE}`, '--force-rm', '.'],
      570_000,
    );
  }, 580_000);

  describe('the image', () => {
    it(`is below ${MAX_IMAGE_BYTES / MB} MB, of which ours are at most ${MAX_OWN_BYTES / MB}`, async () => {
      const [whole, below] = await Promise.all([
        inspect<number>('.Size', IMAGE),
        inspect<number>('.Size', base),
      ]);
      expect(whole - below).toBeLessThanOrEqual(MAX_OWN_BYTES);
      expect(whole).toBeLessThan(MAX_IMAGE_BYTES);
    });

    it('says what it is', async () => {
      const config = await inspect<{
        readonly User: string;
        readonly StopSignal: string;
        readonly ExposedPorts: Readonly<Record<string, unknown>>;
        readonly Labels: Readonly<Record<string, string>>;
        readonly Env: readonly string[];
      }>('.Config', IMAGE);
      expect(config.User).toMatch(/^[1-9]\d*:/);
      expect(config.StopSignal).toBe('SIGTERM');
      expect(Object.keys(config.ExposedPorts)).toEqual([
        `${parseConfig({}).PORT}/tcp`,
        `${SETTINGS.METRICS_PORT.default}/tcp`,
      ]);
      expect(config.Labels).toMatchObject({
        'org.opencontainers.image.title': 'servemodel',
        'org.opencontainers.image.version': VERSION,
        'org.opencontainers.image.licenses': 'Apache-2.0',
      });
      expect(config.Env).toContain('ORT_DISABLE_TELEMETRY=1');
    });

    it('holds the build and what it needs, all readable and none of it writable', async () => {
      const script = [
        'ls -A /app /app/dist',
        'ls /app/node_modules/.bin | grep -E "tsc|vitest|eslint"',
        'find /app/dist -name "*.test.js" -o -name testing -o -name fixtures',
        'find /app -writable -o ! -readable',
        'find /app/node_modules/onnxruntime-node/bin -name "libonnxruntime*" -o -name "*.dll" -o -name "*.dylib"',
      ].join('; ');
      const found = await docker(['run', '--rm', `--label=${LABEL}`, '--entrypoint=sh', IMAGE, '-c', script]);
      const lines = found.split('\n');
      const libraries = lines.splice(lines.findIndex((line) => line.includes('/onnxruntime-node/bin/')));
      expect(lines.filter((line) => line !== '')).toEqual([
        '/app:',
        ...[
          'LICENSE',
          'dist',
          'models',
          'nginx.conf',
          'node_modules',
          'package.json',
          'scripts',
          'servemodel.sh',
        ],
        '/app/dist:',
        ...['.built', 'scripts', 'server', 'worker'],
      ]);
      const arch = await docker(['inspect', '--format', '{{.Architecture}}', IMAGE]);
      const platform = `/linux/${arch === 'amd64' ? 'x64' : arch}/`;
      expect(libraries.filter((path) => !path.includes(platform))).toEqual([]);
      expect(libraries.join('\n')).toContain('libonnxruntime.so.1');
    });

    it('starts its tools, without npm or a compiler, in a file system that is read-only', async () => {
      const script = [
        'tool=/app/scripts/run',
        '$tool | grep "^  " | cut -d" " -f3',
        '$tool api-key one --file /tmp/keys | grep -c "^key    sm_"',
        '$tool import /app/models/iris/1/model.onnx --name iris --repository /tmp/models | head -n 1',
        '$tool import /app/models/iris/1/model.onnx --name iris --repository /tmp/models | head -n 1',
        'printf "[6.3,3.3,4.7,1.6]\\n" >/tmp/rows.jsonl',
        '$tool compare iris/1 iris/2 /tmp/rows.jsonl --repository /tmp/models | head -n 2',
        '$tool audit /tmp --nonsense 2>&1; echo $?',
      ].join('; ');
      const limits = [...HARDENED, '--network=none', `--label=${LABEL}`, '--entrypoint=sh'];
      const out = await docker(['run', '--rm', ...limits, IMAGE, '-c', script], 60_000);
      expect(out.split('\n')).toEqual([
        ...['import', 'compare', 'api-key', 'audit', '1'],
        '/tmp/models/iris/1: classification (setosa, versicolor, virginica), 4 columns, 8 golden rows',
        '/tmp/models/iris/2: classification (setosa, versicolor, virginica), 4 columns, 8 golden rows',
        '1 rows, iris/1 -> iris/2',
        'labels that change: 0 (0.00 %)',
        "Unknown option '--nonsense' (see --help)",
        '2',
      ]);
    });

    it.each([
      ['--help', /^Usage: /],
      ['--version', new RegExp(`^servemodel ${VERSION.replaceAll('.', '\\.')}\n$`)],
    ])('answers %s', async (argument, expected) => {
      const { code, stdout } = await run('docker', ['run', '--rm', `--label=${LABEL}`, IMAGE, argument]);
      expect(stdout).toMatch(expected);
      expect(code).toBe(0);
    });

    it('refuses a bad setting with one line and code 2', async () => {
      const { code, stdout, stderr } = await run('docker', [
        ...['run', '--rm', `--label=${LABEL}`, '--env=PORT=x', IMAGE],
      ]);
      // The client itself may warn about the machine's network.
      const lines = `${stdout}${stderr}`.split('\n').filter((line) => !/^(WARNING: .*)?$/.test(line));
      expect(lines).toEqual([
        expect.stringMatching(/^servemodel: PORT must be an integer from 1 to 65535$/) as string,
      ]);
      expect(code).toBe(2);
    });
  });

  describe('with a read-only root, no capabilities and no new privileges', () => {
    let container: Container;
    beforeAll(async () => {
      container = await startContainer([...HARDENED, '--env=ACCESS_LOG=stdout']);
      await container.ready();
    }, 90_000);
    afterAll(() => endContainer(container));

    it('predicts as the README says', () => predictsAsInReadme(container));

    it('is healthy', () => container.healthy());

    it('runs every process as a user without rights', async () => {
      const processes = await container.processes();
      expect(processes.length).toBeGreaterThan(5);
      for (const { status } of processes) {
        expect(status('Uid')).toBe('1000\t1000\t1000\t1000');
        expect(status('Gid')).toBe('1000\t1000\t1000\t1000');
        expect(status('CapEff')).toMatch(/^0+$/);
        expect(status('NoNewPrivs')).toBe('1');
      }
      const mounts = await container.exec('cat /proc/1/mountinfo');
      expect(mounts).toMatch(/ \/ \/ ro[, ]/);
    });

    it('shows metrics on their own port only', async () => {
      const metrics = await container.scrape();
      expect(metrics.sum('app_info', `version="${VERSION}"`)).toBe(1);
      expect(metrics.sum('server_processes')).toBe(2);
      const answer = await container.get('/metrics');
      expect(await answer.json()).toMatchObject({ status: 404, code: 'not_found' });
      expect(answer.status).toBe(404);
    });

    it('logs JSON lines and nothing else, those of the proxy too', async () => {
      const id = 'seen-in-the-log';
      await fetch(`http://127.0.0.1:${container.port}/health/live`, { headers: { 'x-request-id': id } });
      const seen = (): boolean => container.stdout().includes(id);
      await eventually('the access log has the request', seen);
      const lines = container.lines();
      expect(lines.find(({ requestId }) => requestId === id)).toMatchObject({
        method: 'GET',
        path: '/health/live',
        status: 200,
      });
      expect(lines.some(({ msg }) => msg?.startsWith('ready on'))).toBe(true);
      expect(container.stderr()).toBe('');
    });

    it('collects orphans', async () => {
      const orphan = Number(await container.exec('sleep 600 >/dev/null 2>&1 & echo $!'));
      const find = async (): Promise<Process | undefined> =>
        (await container.processes()).find(({ pid }) => pid === orphan);
      expect((await find())?.parent).toBe(1);
      await container.exec(`kill -KILL ${orphan}`);
      await eventually('the orphan is collected', async () => (await find()) === undefined);
      await predictsAsInReadme(container);
    });

    it('loses no request when server processes are killed', async () => {
      const load = startLoad({ port: container.port, connections: 8, cases: blocks });
      const interrupted: unknown[] = [];
      try {
        const end = performance.now() + INTERRUPTED_MS;
        // On a busy machine a process may die while it predicts nothing.
        for (let kills = 0; kills < 3 || (interrupted.length === 0 && performance.now() < end); kills++) {
          await load.more(50);
          const before = container.lines().length;
          const [victim] = await container.serverProcesses();
          await container.exec(`kill -KILL ${victim}`);
          const died = await container.says('a server process died', before);
          expect(died).toMatchObject({ process: victim, how: 'SIGKILL' });
          interrupted.push(...(died['requestIds'] as unknown[]));
          await container.serving(2);
        }
        await load.more(50);
      } finally {
        await load.stop();
      }
      expectNothingLost(await load.done);
      expect(
        interrupted,
        `requests that were being predicted when their process died, within ${INTERRUPTED_MS} ms`,
      ).not.toEqual([]);
      expect((await container.processes()).filter(({ state }) => state === 'Z')).toEqual([]);
    }, 120_000);

    it('replaces all server processes on HUP without losing a request', async () => {
      await container.serving(2);
      const before = await container.serverProcesses();
      expect(before).toHaveLength(2);
      const load = startLoad({ port: container.port, connections: 8, cases: blocks });
      try {
        await load.more(50);
        const lines = container.lines().length;
        await docker(['kill', '--signal=HUP', container.id]);
        await container.says('reload ended', lines, 40_000);
        await load.more(50);
      } finally {
        await load.stop();
      }
      expectNothingLost(await load.done);
      const after = await container.serverProcesses();
      expect(after).toHaveLength(2);
      expect(after.filter((pid) => before.includes(pid))).toEqual([]);
      // Throws for a line that isn't JSON.
      expect(container.lines().length).toBeGreaterThan(0);
    }, 90_000);
  });

  it('ends with code 0 in time on `docker stop`, and answers all that it accepted', async () => {
    // The longest deadline: here, a 504 would be the fault of a busy machine.
    await withContainer([...HARDENED, '--env=DEADLINE_MS=6000'], async (container) => {
      await container.ready();
      const load = startLoad({
        ...{ port: container.port, connections: 8, cases, untilRefused: true, maxMs: 20_000 },
      });
      await load.more(100);
      // On new connections, so that one that is dropped can't pass for one that was idle. These are still at work
      // when the signal comes.
      const large = startLoad({
        ...{
          port: container.port,
          connections: 4,
          requests: 4,
          cases: [together(rows.slice(0, LARGE_ROWS))],
        },
      });
      const queued = async (): Promise<boolean> =>
        (await container.scrape()).sum('inference_queue_rows') > LARGE_ROWS;
      await eventually('large requests wait', queued);
      const answered = large.right;
      const start = performance.now();
      await docker(['stop', container.id]);
      const ms = performance.now() - start;
      expect(answered).toBeLessThan(4);
      expectNothingLost(await large.done);
      expect(large.right).toBe(4);
      const report = await load.done;
      expectNothingLost(report);
      expect(report.refused).toBe(8);
      expect(await container.exitCode()).toBe(0);
      expect(container.lines().at(-1)?.msg).toBe('stopped');
      expect(ms).toBeLessThan(STOP_LIMIT_MS - 1000);
    });
  }, 120_000);

  it('probes the address that HOST and PORT name', async () => {
    await withContainer(['--env=HOST=127.0.0.2', '--env=PORT=8080'], async (container) => {
      await container.ready();
      await container.healthy();
    });
  }, 120_000);

  it('serves as any user, on one CPU with two processes', async () => {
    await withContainer([...HARDENED, '--user=12345:0', '--cpus=1'], async (container) => {
      expect(await container.ready()).toMatchObject({ processes: 2, threads: 1 });
      expect(await container.serverProcesses()).toHaveLength(2);
      for (const { status } of await container.processes()) expect(status('Uid')).toMatch(/^12345\t/);
      await predictsAsInReadme(container);
      await docker(['stop', container.id]);
      expect(await container.exitCode()).toBe(0);
    });
  }, 120_000);

  it('serves on half a CPU, and writes to /tmp only', async () => {
    await withContainer(['--tmpfs=/tmp', '--cpus=0.5'], async (container) => {
      expect(await container.ready()).toMatchObject({ processes: 2 });
      const load = startLoad({ port: container.port, connections: 4, cases, requests: 300 });
      expectNothingLost(await load.done);
      expect(load.right).toBe(300);
      expect((await container.scrape()).sum('server_process_restarts_total')).toBe(0);
      expect(await docker(['diff', container.id])).toBe('');
      await docker(['stop', container.id]);
      expect(await container.exitCode()).toBe(0);
      expect(await docker(['diff', container.id])).toBe('');
    });
  }, 120_000);

  // Somebody else's engine is not made a swarm for a test.
  const host = `unix://${folder}/docker.sock`;
  const foreign = process.env['DOCKER_HOST'] !== host;
  const why = foreign ? ' (skipped, the Docker engine is not of this test: npm run rehearse uses it)' : '';
  it.skipIf(foreign)(
    `loses no request as a Swarm stack that is updated, hurt and scaled${why}`,
    async () => {
      const said: string[] = [];
      const report = await rehearse({
        ...{ docker: dockerAt(host), image: IMAGE, folder, name: 'rehearsal', port: await freePort() },
        ...{ replicas: 2, scales: [3, 1], connections: 4, interrupt: new AbortController().signal },
        say: (line) => said.push(line),
      });
      expectNothingLost(report);
      expect(Object.keys(report.byModel), said.join('\n')).toEqual(['adult/1', 'adult/2']);
      expect(await docker(['ps', '--all', '--quiet', '--filter', 'name=rehearsal'])).toBe('');
      expect(await docker(['info', '--format', '{{.Swarm.LocalNodeState}}'])).toBe('inactive');
    },
    900_000,
  );
});
