import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { once } from 'node:events';
import type { Server as NetServer } from 'node:net';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { needsNginx, nginxMissing } from '../../proxy/testing/nginxMissing.ts';
import { bodyOf, readAdultRows } from '../testing/adultRows.ts';
import type { Server, ServerOptions } from '../testing/startServer.ts';
import { freePort } from '../testing/freePort.ts';
import { CHECKOUT, withLaunched, withServer } from '../testing/startServer.ts';

// Each wait has its own deadline; this one is for a busy machine.
vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

const NO_PROXY = ['--no-install', '--no-proxy'];
/** A build that must end takes as long as the machine lets it. */
const BUILD_MS = 100_000;

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'checkouts-'));
  // Another user needs access to the copies in it.
  chmodSync(folder, 0o755);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** The answer to the first row of the split. */
async function predict({ port }: Server): Promise<string> {
  const response = await fetch(`http://127.0.0.1:${port}/predict`, {
    method: 'POST',
    body: bodyOf(readAdultRows().slice(0, 1)),
    headers: { 'content-type': 'application/json' },
    signal: AbortSignal.timeout(10_000),
  });
  return response.text();
}
const RIGHT = '{"predictions":[" <=50K"]}';

/** Starts a server, requests a prediction, and stops it. */
const serves = (options: ServerOptions): Promise<void> =>
  withServer(options, async (server) => {
    expect(await predict(server)).toBe(RIGHT);
    const { code } = await server.stop();
    expect(code).toBe(0);
    expect(await server.leftBehind()).toEqual([]);
  });

/** Files of a checkout that are copied. */
const PARTS = [
  ...[
    'package.json',
    'package-lock.json',
    'tsconfig.json',
    'tsconfig.build.json',
    'rolldown.config.ts',
    '.npmrc',
    'nginx.conf',
  ],
  ...['servemodel.sh', 'scripts', 'server', 'worker', 'proxy', 'models'],
];

interface CopyOptions {
  readonly built?: boolean;
  readonly packages?: boolean;
}

/** A copy of this checkout that a test may change. Its packages are a link to ours, so nothing is installed. */
function copyCheckout(name: string, { built = true, packages = true }: CopyOptions = {}): string {
  const copy = mkdtempSync(join(folder, `${name}-`));
  chmodSync(copy, 0o755);
  const parts = [...PARTS, ...(built ? ['dist'] : [])].map((part) => join(CHECKOUT, part));
  // Keeps the times of files and folders, which decide what is built again.
  execFileSync('cp', ['-a', '--', ...parts, copy]);
  if (packages) symlinkSync(join(CHECKOUT, 'node_modules'), join(copy, 'node_modules'));
  return copy;
}

/** A launch that ends by itself. */
const ends = (
  options: ServerOptions,
  limitMs = 30_000,
): Promise<{ code: number | null; said: string; stdout: string; ms: number }> =>
  withLaunched(options, async (server) => {
    const { code, ms } = await server.ended(limitMs);
    expect(await server.leftBehind()).toEqual([]);
    return { code, ms, said: server.said(), stdout: server.stdout() };
  });

describe('servemodel.sh', () => {
  it('--help goes to stdout', async () => {
    const { code, stdout } = await ends({ args: ['--help'] });
    expect(code).toBe(0);
    expect(stdout).toMatch(/^Usage: \.\/servemodel\.sh/);
  });

  it('--version is that of package.json', async () => {
    const { version } = JSON.parse(readFileSync(join(CHECKOUT, 'package.json'), 'utf8')) as {
      version: string;
    };
    expect(await ends({ args: ['--version'] })).toMatchObject({ code: 0, stdout: `servemodel ${version}\n` });
  });

  it('an unknown argument', async () => {
    const { code, said, stdout } = await ends({ args: ['--no-prox'] });
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(said).toMatch(/^servemodel: unknown argument: --no-prox\nUsage:/);
  });

  it('bad settings are all named at once', async () => {
    const env = { PORT: 'http', WEB_CONCURRENCY: '-1', DEADLINE_MS: '0', LOG_LEVEL: 'loud' };
    const { code, said } = await ends({ env: { ...env, METRICS_PORT: '9' }, args: NO_PROXY });
    expect(code).toBe(2);
    const faults = said
      .split('\n')
      .filter((line) => line.startsWith('servemodel: ') && line.includes(' must be '));
    expect(faults.map((line) => line.split(' ')[1])).toEqual(Object.keys(env));
    expect(said).not.toContain('    at ');
  });

  describe.each(['PORT', 'METRICS_PORT'])('a busy %s', (name) => {
    let busy: NetServer;
    beforeAll(async () => {
      busy = createServer().listen(await freePort(), '127.0.0.1');
      await once(busy, 'listening');
    });
    afterAll(() => busy.close());

    it.each([NO_PROXY, ['--no-install']])('is one clear line (%s)', async (...args) => {
      const { port } = busy.address() as { port: number };
      await withLaunched({ env: { [name]: String(port) }, args }, async (server) => {
        expect((await server.ended(30_000)).code).toBe(1);
        expect(server.lines()).toMatchObject([
          {
            level: 60,
            msg: `${name}: 127.0.0.1:${port} is in use by another program; set ${name} to another port`,
          },
        ]);
        expect(server.processes()).toEqual([]);
      });
    });
  });
});

describe('without a proxy', () => {
  it('it serves, and logs it', () => serves({ args: NO_PROXY }));

  it('errors have the same form', async () => {
    await withServer({ args: NO_PROXY }, async ({ port }) => {
      const response = await fetch(`http://127.0.0.1:${port}/predict`, { method: 'DELETE' });
      expect(response.status).toBe(405);
      expect(await response.json()).toMatchObject({ code: 'method_not_allowed' });
    });
  });
});

describe.skipIf(nginxMissing)(needsNginx('a start'), () => {
  it('of a built checkout is quick, builds nothing, and writes nothing outside of its runtime folder', async () => {
    await serves({});
    const list = (): string[] => readdirSync(CHECKOUT, { recursive: true, encoding: 'utf8' });
    const inCheckout = (): string[] =>
      list()
        // Except the lock that prevents two builds at the same time.
        .filter((name) => !/^(?:node_modules|\.git|\.servemodel\.lock)(?:\/|$)/.test(name))
        .map((name) => `${name} ${statSync(join(CHECKOUT, name)).mtimeMs}`);
    // Another start may have built meanwhile.
    const before = inCheckout();
    await withServer({}, async (server) => {
      const start = server.lines().find(({ msg }) => msg.startsWith('ready on'));
      expect(start).toMatchObject({ role: 'primary', processes: 2, threads: 1 });
      expect(await predict(server)).toBe(RIGHT);
      expect(readdirSync(server.tmp)).toEqual([expect.stringMatching(/^servemodel\.\w{6}$/)]);
      expect((await server.stop()).code).toBe(0);
      expect(readdirSync(server.tmp)).toEqual([]);
      if (!server.said().includes('servemodel: building')) expect(inCheckout()).toEqual(before);
    });
  });

  it('twice at the same time, on different ports, works', async () => {
    await Promise.all([serves({}), serves({})]);
  });

  it('takes "serve" as its argument', () => serves({ args: ['serve', '--no-install'] }));

  const isRoot = process.getuid?.() === 0;
  const asNobody = 'works as a user who may write nothing there';
  it.skipIf(!isRoot)(isRoot ? asNobody : `${asNobody} (skipped, needs root)`, async () => {
    await withServer({ checkout: copyCheckout('not root'), uid: 65_534 }, async (server) => {
      expect(await predict(server)).toBe(RIGHT);
      const owners = server.processes().map((pid) => statSync(`/proc/${pid}`).uid);
      expect(owners).toEqual(owners.map(() => 65_534));
      // servemodel.sh, the primary, two processes, nginx and its workers.
      expect(owners.length).toBeGreaterThan(5);
      expect((await server.stop()).code).toBe(0);
      expect(await server.leftBehind()).toEqual([]);
    });
  });

  it('works in folders with spaces', async () => {
    await serves({ checkout: copyCheckout('a path with spaces'), folder: ' and spaces' });
  });

  it('by another path, from another folder, finds its files', async () => {
    const link = join(mkdtempSync(join(folder, 'link-')), 'checkout');
    symlinkSync(copyCheckout('linked'), link);
    await serves({ checkout: link });
  });
});

describe('a start that may not install', () => {
  it('reports missing packages', async () => {
    const checkout = copyCheckout('no packages', { packages: false });
    const { code, said } = await ends({ checkout });
    expect(code).toBe(1);
    expect(said).toBe('servemodel: npm packages are missing or out of date; run: npm ci\n');
    expect(existsSync(join(checkout, 'node_modules'))).toBe(false);
  });

  it('names the tool that an incomplete node_modules lacks', async () => {
    const checkout = copyCheckout('no bundler', { built: false, packages: false });
    const tools = join(checkout, 'node_modules/.bin');
    mkdirSync(tools, { recursive: true });
    writeFileSync(join(checkout, 'node_modules/.package-lock.json'), '');
    symlinkSync(join(CHECKOUT, 'node_modules/.bin/tsc'), join(tools, 'tsc'));
    const { code, said } = await ends({ checkout });
    expect(code).toBe(1);
    expect(said).toBe(
      'servemodel: the build is out of date and rolldown is missing from node_modules; run: npm ci --include=dev\n',
    );
  });

  it('reports missing nginx, and the command that installs it', async () => {
    // The shell takes this function from its environment: `command -v nginx` then finds none.
    const hidden = '() { [ "$*" != "-v nginx" ] && builtin command "$@"; }';
    const { code, said } = await ends({ env: { 'BASH_FUNC_command%%': hidden } });
    expect(code).toBe(1);
    const lines = said.split('\n').filter((line) => line !== 'servemodel: building' && line !== '');
    expect(lines).toEqual([
      'servemodel: nginx is missing; on Debian run as root: apt-get install -y --no-install-recommends nginx-light (or start with --no-proxy)',
    ]);
  });

  it('reports missing Node.js', async () => {
    // Only the programs that the script itself calls.
    const bin = mkdtempSync(join(folder, 'bin-'));
    for (const tool of ['bash', 'dirname', 'cat', 'sed', 'sort', 'head', 'find', 'id', 'mktemp', 'rm'])
      symlinkSync(execFileSync('which', [tool], { encoding: 'utf8' }).trim(), join(bin, tool));
    const { code, said } = await ends({ env: { PATH: bin } });
    expect(code).toBe(1);
    expect(said).toMatch(
      /^servemodel: Node\.js 20\.19\.0 or newer is missing; see https:\/\/nodejs\.org\/\S+\n$/,
    );
  });
});

describe('the build', () => {
  it('two first starts in one checkout build once, and both serve', async () => {
    const checkout = copyCheckout('first start', { built: false });
    const builds = await Promise.all(
      [0, 1].map(() =>
        withServer({ checkout, args: NO_PROXY }, async (server) => {
          expect(await predict(server)).toBe(RIGHT);
          expect((await server.stop()).code).toBe(0);
          return server.said().split('servemodel: building').length - 1;
        }),
      ),
    );
    expect(builds.sort()).toEqual([0, 1]);
    expect(readdirSync(checkout).filter((name) => name.startsWith('.dist'))).toEqual([]);
  });

  it('is repeated only if a source is newer', { timeout: 3 * BUILD_MS }, async () => {
    const checkout = copyCheckout('newer', { built: false });
    /** The build's own files: a build is another folder with other ones. */
    const build = (): number[] => ['dist', 'dist/.built'].map((name) => statSync(join(checkout, name)).ino);
    const start = (): Promise<boolean> =>
      withLaunched({ checkout, args: NO_PROXY }, async (server) => {
        await server.ready();
        expect((await server.stop()).code).toBe(0);
        return server.said().includes('servemodel: building');
      });
    expect(await start()).toBe(true);
    const first = build();
    expect(await start()).toBe(false);
    expect(build()).toEqual(first);
    const now = new Date();
    utimesSync(join(checkout, 'worker/main.ts'), now, now);
    expect(await start()).toBe(true);
    const second = build();
    expect(second).not.toEqual(first);
    expect(await start()).toBe(false);
    expect(build()).toEqual(second);
  });

  it('that fails is reported, and keeps the old build', async () => {
    const checkout = copyCheckout('broken');
    const source = join(checkout, 'worker/main.ts');
    const built = readFileSync(join(checkout, 'dist/worker/main.js'), 'utf8');
    execFileSync('sh', ['-c', `printf 'const x: number = "";' >>"$1"`, 'sh', source]);
    const { code, said } = await ends({ checkout, args: NO_PROXY }, BUILD_MS);
    expect(code).toBe(1);
    expect(said).toMatch(/error TS\d+[^]*\nservemodel: the build failed\n$/);
    expect(readFileSync(join(checkout, 'dist/worker/main.js'), 'utf8')).toBe(built);
    expect(readdirSync(checkout).filter((name) => name.startsWith('.dist'))).toEqual([]);
  });
});
