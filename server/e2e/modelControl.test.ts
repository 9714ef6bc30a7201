import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { needsNginx, nginxMissing } from '../../proxy/testing/nginxMissing.ts';
import { freePort } from '../testing/freePort.ts';
import { createGateway, gatewayMissing, needsGateway } from '../testing/s3Gateway.ts';
import { scrape } from '../testing/scrape.ts';
import type { Server } from '../testing/startServer.ts';
import { withServer } from '../testing/startServer.ts';
import { withTemporaryFolder } from '../testing/temporaryFolder.ts';
import { putVersion, tinyFiles } from '../testing/tinyRepository.ts';
import { eventually, withDeadline } from '../testing/withDeadline.ts';

vi.setConfig({ testTimeout: 180_000 });

const NO_PROXY = ['--no-install', '--no-proxy'];
const ANSWER_MS = 30_000;

interface Answer {
  readonly status: number;
  readonly model: string | null;
  readonly body: unknown;
}

async function send(
  port: number,
  method: string,
  path: string,
  body?: unknown,
  headers: Readonly<Record<string, string>> = {},
): Promise<Answer> {
  const init: RequestInit = { method, headers, signal: AbortSignal.timeout(ANSWER_MS) };
  if (body !== undefined) {
    init.body = JSON.stringify(body);
    init.headers = { 'content-type': 'application/json', ...headers };
  }
  const response = await fetch(`http://127.0.0.1:${port}${path}`, init);
  const text = await response.text();
  return {
    status: response.status,
    model: response.headers.get('x-model'),
    body: text.trim() === '' ? undefined : JSON.parse(text),
  };
}

const ROW = { columns: ['x'], data: [[0]] };
const ask = (port: number, path: string): Promise<Answer> => send(port, 'POST', path, ROW);

interface Traffic {
  /** Ends it, and returns what went wrong. */
  stop(): Promise<{ readonly answers: number; readonly wrong: readonly string[] }>;
}

/** Requests to a model that answers with its version, one after the other on each connection. */
function startTraffic(port: number, path: string, connections = 4): Traffic {
  const wrong: string[] = [];
  let answers = 0;
  let stopped = false;
  const client = async (): Promise<void> => {
    while (!stopped && wrong.length < 10) {
      try {
        const { status, model, body } = await ask(port, path);
        const version = Number(model?.split('/')[1]);
        const isRight = JSON.stringify(body) === JSON.stringify({ predictions: [version] });
        if (status !== 200 || !isRight) wrong.push(`${status} ${model} ${JSON.stringify(body)}`);
        answers++;
      } catch (error) {
        wrong.push(String(error));
      }
    }
  };
  const done = Promise.all(Array.from({ length: connections }, client));
  return {
    stop: async () => {
      stopped = true;
      await withDeadline('the end of the traffic', done, ANSWER_MS);
      return { answers, wrong };
    },
  };
}

interface Started {
  readonly repository: string;
  readonly server: Server;
  readonly admin: number;
}

/** A server on a repository of `ids`, whose models answer with their version. */
async function withRepository(
  ids: readonly string[],
  options: { readonly args?: readonly string[]; readonly env?: Record<string, string> },
  run: (started: Started) => Promise<void>,
): Promise<void> {
  await withTemporaryFolder(async (folder) => {
    const repository = join(folder, 'models');
    mkdirSync(repository);
    for (const id of ids) putVersion(repository, id, tinyFiles(Number(id.split('/')[1])));
    const admin = await freePort();
    const env = {
      MODEL_REPOSITORY: repository,
      ADMIN_PORT: String(admin),
      MODEL_POLL_MS: '200',
      ...options.env,
    };
    await withServer({ args: options.args ?? NO_PROXY, env }, (server) => run({ repository, server, admin }));
  });
}

const order = (port: number, name: string, action: 'load' | 'unload', version?: number): Promise<Answer> =>
  send(port, 'POST', `/v2/repository/models/${name}/${action}`, {
    parameters: version === undefined ? {} : { version: String(version) },
  });

/** The repository index: `a/1 READY`. */
async function index(port: number, ready = false): Promise<string[]> {
  const { body } = await send(port, 'POST', '/v2/repository/index', { ready });
  return (body as { name: string; version: string; state: string }[]).map(
    ({ name, version, state }) => `${name}/${version} ${state}`,
  );
}

describe('models that the operator loads and unloads on ADMIN_PORT', () => {
  it('change while no request of others fails, and stay over polls, restarts and reloads', async () => {
    await withRepository(['a/1', 'b/1', 'b/2', 'b/3'], {}, async ({ repository, server, admin }) => {
      const { port } = server;
      const ofA = startTraffic(port, '/models/a/predict');
      const ofB = startTraffic(port, '/models/b/predict', 2);
      expect(await index(port)).toEqual(['a/1 READY', 'b/1 UNAVAILABLE', 'b/2 READY', 'b/3 READY']);
      for (let round = 0; round < 5; round++) {
        // The model goes on with the version before, then with this one again.
        expect((await order(admin, 'b', 'unload', 3)).status).toBe(200);
        expect((await ask(port, '/models/b/predict')).model).toBe('b/2');
        expect((await order(admin, 'b', 'load', 1)).status).toBe(200);
        expect((await ask(port, '/models/b/versions/1/predict')).status).toBe(200);
        expect((await order(admin, 'b', 'unload', 1)).status).toBe(200);
        expect((await ask(port, '/models/b/versions/1/predict')).status).toBe(404);
        expect((await order(admin, 'b', 'load', 3)).status).toBe(200);
        expect((await ask(port, '/models/b/predict')).model).toBe('b/3');
      }
      expect((await ofB.stop()).wrong).toEqual([]);

      expect(await order(admin, 'b', 'unload')).toMatchObject({ status: 200, body: {} });
      const unloaded = ['a/1 READY', 'b/1 UNAVAILABLE', 'b/2 UNAVAILABLE', 'b/3 UNAVAILABLE'];
      expect(await index(port)).toEqual(unloaded);
      expect(await index(port, true)).toEqual(['a/1 READY']);
      expect((await ask(port, '/models/b/predict')).status).toBe(404);
      // A new version is found by the poll, and stays closed.
      putVersion(repository, 'b/4', tinyFiles(4));
      await eventually('the poll', async () => (await index(port)).includes('b/4 UNAVAILABLE'));
      // A process that replaces another one, and the processes of a reload.
      process.kill(server.serverProcesses()[0] as number, 'SIGKILL');
      await server.says('its end', ({ msg }) => msg === 'a server process died');
      await eventually(
        'two processes',
        async () => (await scrape(server)).sum('server_processes') === 2,
        20_000,
      );
      server.signal('SIGHUP');
      await server.says('the end of the reload', ({ msg }) => msg === 'reload ended', 30_000);
      expect((await send(admin, 'POST', '/reload')).status).toBe(200);
      expect(await index(port)).toEqual([...unloaded, 'b/4 UNAVAILABLE']);
      expect((await ask(port, '/models/b/predict')).status).toBe(404);
      expect((await order(admin, 'b', 'load')).status).toBe(200);
      for (let asked = 0; asked < 6; asked++)
        expect((await ask(port, '/models/b/predict')).model).toBe('b/4');
      const { answers, wrong } = await ofA.stop();
      // The process that was killed without a proxy in front loses the requests that it had.
      expect(wrong.filter((line) => !/fetch failed/.test(line))).toEqual([]);
      expect(answers).toBeGreaterThan(200);
    });
  });

  it('that cannot be loaded, or that settings name, are answered with the reason', async () => {
    await withRepository(
      ['a/1', 'b/1'],
      { env: { DEFAULT_MODEL: 'a' } },
      async ({ repository, server, admin }) => {
        putVersion(repository, 'b/2', { ...tinyFiles(2), 'model.onnx': 'nonsense' });
        expect(await order(admin, 'b', 'load')).toMatchObject({
          status: 400,
          body: { error: expect.stringMatching(/^b\/2 was not loaded: .*model_unreadable/) as string },
        });
        expect((await ask(server.port, '/models/b/predict')).model).toBe('b/1');
        writeFileSync(join(repository, 'b/2/model.onnx'), tinyFiles(2)['model.onnx'] as Uint8Array);
        expect((await order(admin, 'b', 'load')).status).toBe(200);
        expect((await ask(server.port, '/models/b/predict')).model).toBe('b/2');
        expect(await order(admin, 'a', 'unload')).toMatchObject({
          status: 409,
          body: { error: 'DEFAULT_MODEL names a, so it stays loaded.' },
        });
        expect((await order(admin, 'none', 'load')).status).toBe(404);
        expect((await order(admin, 'b', 'unload', 9)).status).toBe(404);
        for (const body of [
          { parameters: { config: '{}' } },
          { parameters: { version: 0 } },
          { version: 1 },
          [],
        ])
          expect((await send(admin, 'POST', '/v2/repository/models/b/load', body)).status).toBe(400);
        expect((await send(admin, 'GET', '/v2/repository/models/b/load')).status).toBe(405);
        // The public port refuses, with the way to do it.
        expect(await order(server.port, 'b', 'unload')).toMatchObject({
          status: 403,
          body: { error: expect.stringMatching(/only with MODEL_CONTROL=explicit; ADMIN_PORT/) as string },
        });
        expect((await send(server.port, 'POST', '/models', { model_name: 'c', url: '/x' })).status).toBe(403);
        expect((await send(server.port, 'DELETE', '/models/b')).status).toBe(403);
        expect((await ask(server.port, '/models/b/predict')).status).toBe(200);
      },
    );
  });
});

describe.skipIf(gatewayMissing)(needsGateway('models of a bucket'), () => {
  it('are loaded and unloaded as those of a folder, and a bucket without one may be the start', async () => {
    await withTemporaryFolder(async (home) => {
      const gateway = await createGateway(home);
      mkdirSync(join(gateway.folder, 'shop-models'));
      await gateway.start();
      const admin = await freePort();
      const env = {
        ...gateway.env,
        MODEL_REPOSITORY: 's3://shop-models/prod/',
        MODEL_CACHE: join(home, 'cache'),
        MODEL_CONTROL: 'explicit',
        MODEL_POLL_MS: '0',
        ADMIN_PORT: String(admin),
      };
      try {
        await withServer({ args: NO_PROXY, env }, async ({ port }) => {
          expect(await index(port)).toEqual([]);
          expect((await order(port, 'a', 'load')).status).toBe(404);
          for (const version of [1, 2])
            await gateway.put('shop-models', `prod/a/${version}`, tinyFiles(version));
          await gateway.put('shop-models', 'prod/b/1', tinyFiles(1));
          expect((await order(port, 'a', 'load')).status).toBe(200);
          const traffic = startTraffic(port, '/models/a/predict', 2);
          expect((await order(port, 'b', 'unload')).status).toBe(200);
          expect((await order(admin, 'a', 'unload', 2)).status).toBe(200);
          expect((await ask(port, '/models/a/predict')).model).toBe('a/1');
          expect((await send(admin, 'POST', '/reload')).status).toBe(200);
          expect(await index(port)).toEqual(['a/1 READY', 'a/2 UNAVAILABLE', 'b/1 UNAVAILABLE']);
          expect((await order(port, 'a', 'load', 2)).status).toBe(200);
          expect((await ask(port, '/models/a/predict')).model).toBe('a/2');
          expect((await traffic.stop()).wrong).toEqual([]);
        });
      } finally {
        await gateway.stop();
      }
    });
  });
});

describe.skipIf(nginxMissing)(
  needsNginx('models that clients load and unload, with MODEL_CONTROL=explicit'),
  () => {
    const explicit = { args: ['--no-install'], env: { MODEL_CONTROL: 'explicit' } };

    it('by V2, behind the proxy, while a process dies: no request fails', async () => {
      await withRepository(['a/1', 'b/1'], explicit, async ({ server }) => {
        const { port } = server;
        const traffic = startTraffic(port, '/models/b/predict');
        for (let round = 0; round < 3; round++) {
          expect((await order(port, 'a', 'unload')).status).toBe(200);
          expect(await ask(port, '/predict')).toMatchObject({
            status: 404,
            body: { detail: 'No default model is loaded; GET /models lists the others.' },
          });
          expect((await send(port, 'GET', '/health/ready')).status).toBe(200);
          process.kill(server.serverProcesses()[0] as number, 'SIGKILL');
          expect((await order(port, 'a', 'load')).status).toBe(200);
          expect((await ask(port, '/predict')).model).toBe('a/1');
          await eventually(
            'two processes',
            async () => (await scrape(server)).sum('server_processes') === 2,
            20_000,
          );
          expect((await ask(port, '/predict')).model).toBe('a/1');
        }
        // Without any model the server is ready, and answers what there is.
        const { answers, wrong } = await traffic.stop();
        expect(wrong).toEqual([]);
        expect(answers).toBeGreaterThan(50);
        expect((await order(port, 'a', 'unload')).status).toBe(200);
        expect((await order(port, 'b', 'unload')).status).toBe(200);
        expect((await send(port, 'GET', '/ping')).status).toBe(200);
        for (const path of ['/openapi.json', '/models', '/v1/models', '/v2', '/stats'])
          expect([path, (await send(port, 'GET', path)).status]).toEqual([path, 200]);
        expect((await order(port, 'b', 'load')).status).toBe(200);
        // nginx logs what it replays.
        const ours = server.lines().filter(({ level, role }) => level >= 50 && role !== 'nginx');
        expect(ours.filter(({ msg }) => msg !== 'a server process died')).toEqual([]);
      });
    });

    it('but not by a page in a browser, nor by a form', async () => {
      await withRepository(['a/1', 'b/1'], explicit, async ({ server: { port } }) => {
        const path = '/v2/repository/models/b/unload';
        const statusOf = async (headers: Record<string, string>, body?: unknown): Promise<number> =>
          (await send(port, 'POST', path, body, headers)).status;
        expect(await statusOf({ origin: 'http://evil.example' })).toBe(403);
        expect(await statusOf({ 'sec-fetch-site': 'cross-site' })).toBe(403);
        for (const type of [
          'application/x-www-form-urlencoded',
          'text/plain',
          'multipart/form-data; boundary=x',
        ])
          expect(await statusOf({ 'content-type': type }, {})).toBe(415);
        expect((await send(port, 'POST', `${path}?x=1`)).status).toBe(400);
        expect((await ask(port, '/models/b/predict')).status).toBe(200);
        expect(await statusOf({})).toBe(200);
        expect((await ask(port, '/models/b/predict')).status).toBe(404);
      });
    });

    it("by SageMaker's contract for endpoints of many models", async () => {
      await withTemporaryFolder(async (folder) => {
        const put = (name: string, version: number, files = tinyFiles(version)): string => {
          putVersion(folder, `${name}/model`, files);
          return join(folder, name, 'model');
        };
        const env = { MODEL_CONTROL: 'explicit', MODEL_REPOSITORY: join(folder, 'none') };
        await withServer({ args: ['--no-install', 'serve'], env }, async (server) => {
          const { port } = server;
          const load = (model_name: string, url: string): Promise<Answer> =>
            send(port, 'POST', '/models', { model_name, url });
          const loaded = async (): Promise<unknown[]> =>
            ((await send(port, 'GET', '/models')).body as { models: Record<string, unknown>[] }).models.map(
              ({ modelName, modelUrl }) => [modelName, modelUrl],
            );
          expect((await send(port, 'GET', '/ping')).status).toBe(200);
          expect(await loaded()).toEqual([]);
          const [one, two] = [put('one', 1), put('two', 2)];
          expect(await load('m-1', one)).toMatchObject({ status: 200, body: {} });
          const traffic = startTraffic(port, '/models/m-1/predict');
          expect((await load('m-2', two)).status).toBe(200);
          expect(await loaded()).toEqual([
            ['m-1', one],
            ['m-2', two],
          ]);
          expect((await send(port, 'GET', '/models/m-2')).body).toMatchObject({
            modelName: 'm-2',
            modelUrl: two,
            task: 'regression',
          });
          expect((await load('m-2', two)).status).toBe(409);
          expect(await load('m-3', join(folder, 'gone'))).toMatchObject({ status: 404 });
          expect((await load('m-3', 's3://bucket/x')).status).toBe(400);
          expect((await load('no name', two)).status).toBe(400);
          expect((await load('m-3', put('bad', 3, { 'model.onnx': 'nonsense' }))).status).toBe(422);
          expect((await send(port, 'GET', '/models/m-3')).status).toBe(404);

          const invoke = (name: string): Promise<Answer> =>
            send(
              port,
              'POST',
              `/models/${name}/invoke`,
              { instances: [[0]] },
              {
                'x-amzn-sagemaker-target-model': 'two.tar.gz',
              },
            );
          expect(await invoke('m-2')).toMatchObject({
            status: 200,
            model: 'm-2/1',
            body: { predictions: [2] },
          });
          expect(await invoke('m-9')).toMatchObject({
            status: 404,
            body: { error_code: 'ENDPOINT_NOT_FOUND' },
          });
          // The folders of loaded models may go, and a process may die.
          rmSync(one, { recursive: true });
          process.kill(server.serverProcesses()[0] as number, 'SIGKILL');
          await eventually(
            'two processes',
            async () => (await scrape(server)).sum('server_processes') === 2,
            20_000,
          );
          expect((await send(port, 'DELETE', '/models/m-2')).status).toBe(200);
          expect((await send(port, 'DELETE', '/models/m-2')).status).toBe(404);
          expect((await invoke('m-2')).status).toBe(404);
          expect((await load('m-2', two)).status).toBe(200);
          expect((await invoke('m-2')).status).toBe(200);
          await traffic.stop();
        });
      });
    });

    it('answers 507 to a model that the memory has no room for', async () => {
      await withTemporaryFolder(async (folder) => {
        putVersion(folder, 'big/model', tinyFiles(1));
        writeFileSync(join(folder, 'big/model/model.onnx'), Buffer.alloc(2048));
        const env = {
          MODEL_CONTROL: 'explicit',
          MODEL_REPOSITORY: join(folder, 'none'),
          MAX_MODEL_BYTES: '1024',
        };
        await withServer({ args: NO_PROXY, env }, async ({ port }) => {
          const body = { model_name: 'big', url: join(folder, 'big/model') };
          expect(await send(port, 'POST', '/models', body)).toMatchObject({
            status: 507,
            body: { code: 'insufficient_memory' },
          });
          expect((await send(port, 'GET', '/models/big')).status).toBe(404);
        });
      });
    });
  },
);
