import { once } from 'node:events';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { Agent, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, describe, expect, it, vi } from 'vitest';
import { pino } from 'pino';
import { createAdminServer } from '../primary/adminServer.ts';
import { scrape } from '../testing/scrape.ts';
import type { Server } from '../testing/startServer.ts';
import { freePort } from '../testing/freePort.ts';
import { withLaunched, withServer } from '../testing/startServer.ts';
import { withTemporaryFolder } from '../testing/temporaryFolder.ts';
import { putVersion, tinyFiles, tinyLine, tinyTree } from '../testing/tinyRepository.ts';
import { eventually, withDeadline } from '../testing/withDeadline.ts';

// 200 swaps take about a minute on an idle machine.
vi.setConfig({ testTimeout: 300_000 });

const NO_PROXY = ['--no-install', '--no-proxy'];

interface Answer {
  readonly status: number;
  readonly model: string;
  readonly nosniff: string;
  readonly body: string;
}

const agent = new Agent({ keepAlive: true });
afterAll(() => agent.destroy());

function send(port: number, method: string, path: string, body = '', headers = {}): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const sent = request({ agent, host: '127.0.0.1', port, method, path, headers }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
      response.on('error', reject).on('end', () =>
        resolve({
          status: response.statusCode ?? 0,
          model: String(response.headers['x-model']),
          nosniff: String(response.headers['x-content-type-options']),
          body: text,
        }),
      );
    });
    sent.on('error', reject).end(body);
  });
}

const ask = (server: Server, rows = 1): Promise<Answer> =>
  send(
    server.port,
    'POST',
    '/predict',
    JSON.stringify({ columns: ['x'], data: Array.from({ length: rows }, (_, row) => [row % 2]) }),
  );

/** The answer of the version that `x-model` names. */
const rightAnswer = (version: number, rows: number): string =>
  JSON.stringify({ predictions: Array.from({ length: rows }, (_, row) => version + (row % 2) / 2) });

const PAUSE_MS = 5;

interface Traffic {
  readonly answers: number;
  stop(): Promise<{ answers: number; wrong: string[]; versions: Set<string> }>;
}

/** Requests of one row and of many, each checked against the version that its answer names. */
function startTraffic(server: Server, connections: number): Traffic {
  const wrong: string[] = [];
  const versions = new Set<string>();
  let answers = 0;
  let stopped = false;
  const client = async (number: number): Promise<void> => {
    for (let count = number; !stopped && wrong.length < 10; count++) {
      const rows = count % 10 === 0 ? 600 : 1;
      try {
        const { status, model, body } = await ask(server, rows);
        versions.add(model);
        const version = Number(model.split('/')[1]);
        if (status !== 200 || body !== rightAnswer(version, rows))
          wrong.push(`${status} ${model} ${body.slice(0, 80)}`);
        answers++;
        // A pause, so that the machine is busy with the swaps rather than the load.
        await delay(PAUSE_MS);
      } catch (error) {
        wrong.push(String(error));
      }
    }
  };
  const done = Promise.all(Array.from({ length: connections }, (_, number) => client(number)));
  return {
    get answers() {
      return answers;
    },
    stop: async () => {
      stopped = true;
      await withDeadline('the end of the traffic', done, 10_000);
      return { answers, wrong, versions };
    },
  };
}

interface Listed {
  readonly name: string;
  readonly version: number;
  readonly state: string;
  readonly served: boolean;
  readonly reason?: string;
}

interface Admin {
  readonly repository: string;
  readonly server: Server;
  /** `POST /reload`: resolves once all processes serve what the repository holds. */
  reload(): Promise<Listed[]>;
  versions(): Promise<Listed[]>;
}

/** A server on a repository with tiny/1, and its admin port. */
const withAdmin = (env: Record<string, string>, run: (admin: Admin) => Promise<void>): Promise<void> =>
  withTemporaryFolder(async (repository) => {
    putVersion(repository, 'tiny/1', tinyFiles(1));
    const port = await freePort();
    const settings = { MODEL_REPOSITORY: repository, ADMIN_PORT: String(port), MODEL_POLL_MS: '0', ...env };
    await withServer({ args: NO_PROXY, env: settings }, async (server) => {
      const call = async (method: string, path: string): Promise<Listed[]> => {
        const { status, body } = await withDeadline(path, send(port, method, path), 30_000);
        expect(status).toBe(200);
        return (JSON.parse(body) as { models: Listed[] }).models;
      };
      await run({
        repository,
        server,
        reload: () => call('POST', '/reload'),
        versions: () => call('GET', '/models'),
      });
    });
  });

/** Private memory of all processes of the server, in bytes. */
const memory = (server: Server): number =>
  server
    .processes()
    .map(
      (pid) =>
        Number(/^RssAnon:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) * 1024,
    )
    .reduce((sum, bytes) => sum + bytes, 0);

/** Bytes in 100 swaps. The metric series of as many versions take about 10 MiB; models that are never freed take 30. */
const MAX_GROWTH = 24 * 2 ** 20;

/**
 * Growth from one value to the next: the median slope over all pairs that are far apart. The garbage collectors of all
 * threads vary the values by a third, which changes the median little.
 */
function slopeOf(values: readonly number[]): number {
  const APART = 10;
  const slopes = values
    .flatMap((from, at) => values.slice(at + APART).map((to, more) => (to - from) / (more + APART)))
    .sort((a, b) => a - b);
  return slopes[Math.floor(slopes.length / 2)] as number;
}

describe('a new version', () => {
  it('300 times under load: no request fails, and memory does not grow', async () => {
    await withAdmin({ OPEN_VERSIONS: '1' }, async ({ repository, server, reload }) => {
      const swap = async (version: number): Promise<void> => {
        // Forests, which are also scored in the process, and graphs for ONNX Runtime.
        const onnx = version % 2 === 0 ? tinyTree(version) : tinyLine(version);
        putVersion(repository, `tiny/${version}`, tinyFiles(version, onnx));
        rmSync(join(repository, `tiny/${version - 1}`), { recursive: true });
        expect(await reload()).toMatchObject([{ version, state: 'ready', served: true }]);
      };
      const traffic = startTraffic(server, 4);
      const held: number[] = [];
      /** Bytes that 100 swaps add, over the last 160: the first ones also compile and pool memory once. */
      const growth = (): number => 100 * slopeOf(held.slice(-160));
      const swaps = async (count: number): Promise<void> => {
        for (const end = held.length + count; held.length < end; held.push(memory(server)))
          await swap(held.length + 2);
      };
      await swaps(300);
      // The heaps reach their size late where little else is allocated. Memory that is never freed goes on growing.
      for (let rounds = 0; growth() > MAX_GROWTH && rounds < 5; rounds++) await swaps(100);
      const { answers, wrong, versions } = await traffic.stop();
      expect(wrong).toEqual([]);
      expect(versions.size).toBeGreaterThan(100);
      expect(answers).toBeGreaterThan(500);
      expect((await ask(server)).model).toBe(`tiny/${held.length + 1}`);
      process.stdout.write(`memory grew by ${(growth() / 2 ** 20).toFixed(1)} MiB in 100 swaps\n`);
      expect(growth()).toBeLessThan(MAX_GROWTH);
      const metrics = await scrape(server);
      expect(metrics.sum('model_ready')).toBe(2);
      expect(server.lines().filter(({ level }) => level >= 40)).toEqual([]);
    });
  });

  it('is found by a poll, in any order of its files, and a removed one is closed', async () => {
    await withAdmin({ MODEL_POLL_MS: '100' }, async ({ repository, server, versions }) => {
      const states = async (): Promise<string[]> =>
        (await versions()).map(({ version, state, served }) => `${version} ${state} ${served}`);
      const becomes = (...wanted: string[]): Promise<unknown> =>
        eventually(wanted.join(), async () => String(await states()) === String(wanted), 20_000);
      const traffic = startTraffic(server, 2);
      mkdirSync(join(repository, 'tiny/2'));
      for (const [name, content] of Object.entries(tinyFiles(2)).reverse()) {
        writeFileSync(join(repository, 'tiny/2', name), content);
        await delay(150);
      }
      await becomes('1 ready false', '2 ready true');
      await eventually('its answer', async () => (await ask(server)).model === 'tiny/2');
      putVersion(repository, 'tiny/3', tinyFiles(3));
      await becomes('1 closed false', '2 ready false', '3 ready true');
      rmSync(join(repository, 'tiny/3'), { recursive: true });
      await becomes('1 ready false', '2 ready true');
      expect((await traffic.stop()).wrong).toEqual([]);
    });
  });

  it('with the number of the old one replaces it', async () => {
    await withAdmin({}, async ({ repository, server, reload }) => {
      const traffic = startTraffic(server, 2);
      const files = tinyFiles(1, tinyLine(1));
      putVersion(repository, 'tiny/1', files);
      expect(await reload()).toEqual([{ name: 'tiny', version: 1, state: 'ready', served: true }]);
      await server.says('the swap', ({ msg }) => msg === 'model closed');
      expect((await traffic.stop()).wrong).toEqual([]);
      const metrics = await scrape(server);
      expect(metrics.sum('model_ready', 'model="tiny"')).toBe(2);
      expect([...metrics.samples.keys()].filter((key) => key.startsWith('model_info'))).toEqual([
        expect.stringContaining('engine="onnxruntime"'),
      ]);
    });
  });

  it('that is bad is never served, is reported, and is tried again once its files change', async () => {
    await withAdmin({}, async ({ repository, server, reload, versions }) => {
      const traffic = startTraffic(server, 2);
      putVersion(repository, 'tiny/2', {
        ...tinyFiles(2),
        'golden.json': tinyFiles(3)['golden.json'] as string,
      });
      putVersion(repository, 'tiny/3', { ...tinyFiles(3), 'model.json': '{}' });
      putVersion(repository, 'other/1', { ...tinyFiles(1), 'model.onnx': 'nonsense' });
      expect(await reload()).toEqual([
        expect.objectContaining({
          name: 'other',
          state: 'refused',
          reason: expect.stringMatching(/model_unreadable/) as string,
        }),
        { name: 'tiny', version: 1, state: 'ready', served: true },
        expect.objectContaining({
          version: 2,
          state: 'refused',
          reason: expect.stringMatching(/golden_mismatch/) as string,
        }),
        expect.objectContaining({
          version: 3,
          state: 'refused',
          reason: expect.stringMatching(/^model\.json/) as string,
        }),
      ]);
      expect((await ask(server)).model).toBe('tiny/1');
      const metrics = await scrape(server);
      expect(metrics.sum('model_load_failures_total', 'model="tiny"')).toBe(2);
      expect(metrics.sum('model_load_failures_total', 'model="other"')).toBe(1);
      expect(metrics.sum('model_ready')).toBe(2);

      putVersion(repository, 'tiny/3', tinyFiles(3));
      await reload();
      expect((await ask(server)).model).toBe('tiny/3');
      expect((await versions()).map(({ state }) => state)).toEqual(['refused', 'ready', 'refused', 'ready']);
      expect((await traffic.stop()).wrong).toEqual([]);
    });
  });

  it('is served by a process that replaces a dead one', async () => {
    await withAdmin({}, async ({ repository, server, reload }) => {
      putVersion(repository, 'tiny/2', tinyFiles(2));
      await reload();
      const [first = 0] = server.serverProcesses();
      process.kill(first, 'SIGKILL');
      await eventually(
        'two processes',
        async () => (await scrape(server)).sum('server_processes') === 2,
        20_000,
      );
      const answers = await Promise.all(Array.from({ length: 8 }, () => ask(server)));
      expect(new Set(answers.map(({ model }) => model))).toEqual(new Set(['tiny/2']));
    });
  });
});

/** How a folder is bad. */
const BAD = {
  json: { ...tinyFiles(1), 'model.json': '{' },
  onnx: { ...tinyFiles(1), 'model.onnx': 'nonsense' },
  golden: { ...tinyFiles(1), 'golden.json': tinyFiles(2)['golden.json'] as string },
};

describe('a server that is started on a repository with bad versions', () => {
  const fill = (repository: string): void => {
    putVersion(repository, 'aaa/1', BAD.json);
    putVersion(repository, 'mid/1', BAD.golden);
    putVersion(repository, 'no name/1', tinyFiles(1));
    putVersion(repository, 'tiny/1', tinyFiles(1));
    putVersion(repository, 'tiny/2', BAD.onnx);
    putVersion(repository, 'zzz/1', tinyFiles(1));
  };

  it('reports them and serves the rest in every process, as a running server does', async () => {
    await withAdmin({}, async ({ repository, server, reload, versions }) => {
      fill(repository);
      const running = await reload();
      // The same repository at a start.
      const env = { MODEL_REPOSITORY: repository, MODEL_POLL_MS: '0' };
      await withServer({ args: NO_PROXY, env }, async (started) => {
        const { models } = JSON.parse((await send(started.port, 'GET', '/models')).body) as {
          models: (Listed & { stateReason?: string; default: boolean })[];
        };
        expect(
          models.map(({ name, version, state, served, stateReason: reason }) =>
            reason === undefined
              ? { name, version, served, state }
              : { name, version, served, state, reason },
          ),
        ).toEqual(running);
        expect(running.map(({ name, version, state }) => `${name}/${version} ${state}`)).toEqual([
          'aaa/1 refused',
          'mid/1 refused',
          'tiny/1 ready',
          'tiny/2 refused',
          'zzz/1 ready',
        ]);
        expect(models.filter((one) => one.default).map(({ name }) => name)).toEqual(['tiny']);
        expect((await ask(started)).model).toBe('tiny/1');
        expect((await send(started.port, 'GET', '/health/ready')).status).toBe(200);
        const isSame = async (): Promise<boolean> => {
          const metrics = await scrape(started);
          return metrics.sum('model_ready') === 4 && metrics.sum('model_ready', 'model="zzz"') === 2;
        };
        await eventually('the same models in both processes', isSame, 20_000);
        const metrics = await scrape(started);
        for (const name of ['aaa', 'mid', 'tiny'])
          expect(metrics.sum('model_load_failures_total', `model="${name}"`)).toBe(1);
        const logged = started.lines().filter(({ level }) => level >= 40);
        expect(logged.map(({ msg, model }) => [msg, model]).sort()).toEqual([
          ['a folder is no model', undefined],
          ...['aaa/1', 'mid/1', 'tiny/2'].map((model) => ['a version was refused', model]),
        ]);
        // A process that replaces another one.
        const before = started.serverProcesses();
        process.kill(before[0] as number, 'SIGKILL');
        await eventually(
          'another process with the same models',
          async () => (await scrape(started)).sum('server_processes') === 2 && (await isSame()),
          20_000,
        );
        // With good files they are served.
        putVersion(repository, 'mid/1', tinyFiles(1));
        started.signal('SIGHUP');
        await started.says('the end of the reload', ({ msg }) => msg === 'reload ended', 30_000);
        expect((await send(started.port, 'GET', '/models/mid')).status).toBe(200);
      });
      expect((await versions()).length).toBe(5);
      expect((await ask(server)).model).toBe('tiny/1');
    });
  });

  it.each<[string, Record<string, string>, RegExp]>([
    ['the default', { DEFAULT_MODEL: 'mid' }, /^model mid\/1 refused: .*\(golden_mismatch\)$/],
    ['pinned', { MODEL_VERSIONS: 'tiny=2' }, /^model tiny\/2 refused: .*\(model_unreadable\)$/],
  ])('ends with one line when one of them is %s', async (_, env, reason) => {
    await withTemporaryFolder(async (repository) => {
      fill(repository);
      rmSync(join(repository, 'aaa'), { recursive: true });
      const settings = { MODEL_REPOSITORY: repository, ...env };
      await withLaunched({ args: NO_PROXY, env: settings }, async (server) => {
        expect((await server.ended(30_000)).code).toBe(1);
        const fatal = server.lines().filter(({ level }) => level === 60);
        expect(fatal.map(({ msg }) => msg)).toEqual([expect.stringMatching(reason)]);
      });
    });
  });
});

describe('the default model', () => {
  it('stays served when its files vanish, until new ones are there', async () => {
    await withAdmin({ DEFAULT_MODEL: 'tiny' }, async ({ repository, server, reload }) => {
      putVersion(repository, 'other/1', tinyFiles(1));
      rmSync(join(repository, 'tiny'), { recursive: true });
      expect(await reload()).toEqual([
        { name: 'other', version: 1, state: 'ready', served: true },
        { name: 'tiny', version: 1, state: 'leaving', served: true },
      ]);
      expect((await ask(server)).model).toBe('tiny/1');
      putVersion(repository, 'tiny/4', tinyFiles(4));
      expect(await reload()).toHaveLength(2);
      expect((await ask(server)).model).toBe('tiny/4');
    });
  });
});

describe('the admin port', () => {
  it('has two requests, and refuses browsers', async () => {
    const calls: string[] = [];
    const admin = createAdminServer({
      versions: () => [],
      refresh: () => Promise.resolve((calls.push('reload'), [])),
      orderModels: (order) => Promise.resolve(void calls.push(JSON.stringify(order))),
      log: pino({ level: 'silent' }),
    });
    admin.listen(0, '127.0.0.1');
    await once(admin, 'listening');
    const { port } = admin.address() as AddressInfo;
    const statusOf = async (method: string, path: string, headers = {}): Promise<number> => {
      const { status, nosniff } = await send(port, method, path, '', headers);
      expect(nosniff).toBe('nosniff');
      return status;
    };
    try {
      expect(await statusOf('POST', '/reload')).toBe(200);
      expect(await statusOf('POST', '/reload/')).toBe(200);
      expect(await statusOf('POST', '/reload', { 'content-type': 'application/json' })).toBe(200);
      expect(await statusOf('GET', '/models')).toBe(200);
      // The types that a page of another origin can send without asking, curl's default among them.
      for (const type of [
        'application/x-www-form-urlencoded',
        'text/plain',
        'multipart/form-data; boundary=x',
      ])
        expect(await statusOf('POST', '/reload', { 'content-type': type })).toBe(415);
      expect(await statusOf('GET', '/reload')).toBe(405);
      expect(await statusOf('POST', '/toString')).toBe(404);
      expect(await statusOf('POST', '/reload', { origin: 'http://localhost' })).toBe(403);
      expect(await statusOf('POST', '/reload', { host: 'attacker.example' })).toBe(403);
      expect(calls).toEqual(['reload', 'reload', 'reload']);
    } finally {
      admin.close();
      admin.closeAllConnections();
    }
  });
});
