import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { needsNginx, nginxMissing } from '../../proxy/testing/nginxMissing.ts';
import { readAdultRows } from '../testing/adultRows.ts';
import { makeCertificate } from '../testing/certificate.ts';
import { freePort } from '../testing/freePort.ts';
import type { GrpcClient } from '../testing/grpcClient.ts';
import { grpcClient, grpcMessageOf, grpcMethod, grpcRequest } from '../testing/grpcClient.ts';
import { grpcCase, startGrpcLoad } from '../testing/grpcLoad.ts';
import { scrape } from '../testing/scrape.ts';
import type { Server } from '../testing/startServer.ts';
import { startServer, withLaunched } from '../testing/startServer.ts';
import { withTemporaryFolder } from '../testing/temporaryFolder.ts';
import { eventually } from '../testing/withDeadline.ts';
import { writeFrame } from '../dialects/grpc/frame.ts';

vi.setConfig({ testTimeout: 90_000, hookTimeout: 120_000 });

const ROWS = readAdultRows();
const CASES = [...Array.from({ length: 20 }, (_, at) => grpcCase([ROWS[at]!])), grpcCase(ROWS.slice(0, 500))];
const INFER = grpcMethod('ModelInfer');
const body = writeFrame(CASES[0]!.message);
/** Health checks and `ModelInfer`, which needs a key. */
const HEALTH = grpcMethod('Check');

describe.skipIf(nginxMissing)(needsNginx('a server with GRPC_PORT'), () => {
  let server: Server;
  let grpcPort = 0;
  let client: GrpcClient;
  beforeAll(async () => {
    grpcPort = await freePort();
    server = await startServer({
      env: { GRPC_PORT: String(grpcPort), WEB_CONCURRENCY: '2', MODEL_CONTROL: 'explicit' },
    });
    client = grpcClient(`http://127.0.0.1:${grpcPort}`);
  });
  afterAll(async () => {
    client.close();
    await server.clean();
  });

  it('keeps the ids of a request and names the model', async () => {
    const headers = { 'x-request-id': 'mine' };
    const answer = await client.call(INFER.path, body, { headers });
    expect(answer).toMatchObject({ http: 200, status: '0' });
    expect(answer.headers).toMatchObject({
      'content-type': 'application/grpc',
      'x-request-id': 'mine',
      'x-model': 'adult/1',
    });
    const refused = await client.call(INFER.path, writeFrame(Buffer.from([0xff])), { headers });
    expect(refused).toMatchObject({ http: 200, status: '3', headers: { 'x-request-id': 'mine' } });
  });

  it('ends a call at the deadline that its client set', async () => {
    const deadline = { headers: { 'grpc-timeout': '1n' } };
    expect(await client.call(INFER.path, body, deadline)).toMatchObject({ status: '4' });
    const wrong = { headers: { 'grpc-timeout': 'soon' } };
    expect(await client.call(INFER.path, body, wrong)).toMatchObject({ status: '3' });
    const long = { headers: { 'grpc-timeout': '10S' } };
    expect(await client.call(INFER.path, body, long)).toMatchObject({ status: '0' });
  });

  it('names the codings of messages that it reads', async () => {
    const answer = await client.call(INFER.path, body, { headers: { 'grpc-encoding': 'snappy' } });
    expect(answer.status).toBe('12');
    expect(answer.headers['grpc-accept-encoding']).toBe('identity,gzip,deflate');
    const flagged = Buffer.concat([Buffer.from([1]), body.subarray(1)]);
    expect(await client.call(INFER.path, flagged)).toMatchObject({ status: '3' });
    const gzip = { headers: { 'grpc-encoding': 'gzip' } };
    expect(await client.call(INFER.path, flagged, gzip)).toMatchObject({ status: '3' });
    expect(await client.call(INFER.path, body, gzip)).toMatchObject({ status: '0' });
  });

  it.each([
    ['no message', Buffer.alloc(0), '3'],
    ['two messages', Buffer.concat([body, body]), '3'],
    ['bytes after the message', Buffer.concat([body, Buffer.from([0])]), '3'],
    ['a cut message', body.subarray(0, -1), '3'],
  ])('refuses %s', async (_, bytes, status) => {
    expect(await client.call(INFER.path, bytes)).toMatchObject({ http: 200, status });
  });

  it('refuses another type, another method and another service', async () => {
    const json = { headers: { 'content-type': 'application/grpc+json' } };
    expect(await client.call(INFER.path, body, json)).toMatchObject({ status: '12' });
    for (const path of ['/inference.GRPCInferenceService/Nope', '/nope.Service/Nope', '/nope'])
      expect(await client.call(path, body), path).toMatchObject({ http: 200, status: '12' });
    expect(await client.call(INFER.path, body, { headers: { ':method': 'PUT' } })).toMatchObject({
      http: 200,
      status: '12',
    });
  });

  it('answers a health check, and NOT_FOUND for another service', async () => {
    for (const service of ['', 'inference.GRPCInferenceService']) {
      const answer = await client.call(HEALTH.path, grpcRequest(HEALTH, { service }));
      expect(grpcMessageOf(HEALTH, answer.body)).toEqual({ status: 'SERVING' });
    }
    expect(await client.call(HEALTH.path, grpcRequest(HEALTH, { service: 'x' }))).toMatchObject({
      status: '5',
    });
  });

  it('reads no more of a small call than it needs', async () => {
    // Fields that the message doesn't have, of which each would be kept as an object.
    const unknown = Buffer.alloc(100_000, Buffer.from([0x78, 0x01]));
    expect(await client.call(HEALTH.path, writeFrame(unknown.subarray(0, 60_000)))).toMatchObject({
      status: '0',
    });
    expect(await client.call(HEALTH.path, writeFrame(unknown))).toMatchObject({ http: 200, status: '8' });
    const method = grpcMethod('ServerReflectionInfo');
    const list = grpcRequest(method, { list_services: '' });
    const many = await client.call(method.path, Buffer.concat(Array.from({ length: 17 }, () => list)));
    expect(many).toMatchObject({ http: 200, status: '3' });
  });

  it.each(['grpc.reflection.v1', 'grpc.reflection.v1alpha'])(
    'answers reflection by %s before the client ends its stream, and several messages',
    async (version) => {
      const path = `/${version}.ServerReflection/ServerReflectionInfo`;
      const method = grpcMethod('ServerReflectionInfo');
      const list = grpcRequest(method, { list_services: '' });
      const open = await client.call(path, list, { isOpen: true });
      expect(open).toMatchObject({ http: 200, status: '0' });
      expect(grpcMessageOf(method, open.body)).toMatchObject({
        list_services_response: { service: [{ name: 'grpc.health.v1.Health' }, {}, {}, {}] },
      });
      const two = await client.call(path, Buffer.concat([list, list]));
      expect(two.body).toHaveLength(2 * open.body.length);
      expect(await client.call(path, Buffer.alloc(0))).toMatchObject({ status: '0' });
      expect(await client.call(path, list.subarray(0, -1))).toMatchObject({ status: '3' });
    },
  );

  it.each(['/inference.GRPCInferenceService/ModelStreamInfer', '/grpc.health.v1.Health/Watch'])(
    'refuses %s at once',
    async (path) => {
      expect(await client.call(path, body, { isOpen: true })).toMatchObject({ http: 200, status: '12' });
    },
  );

  const ask = async (name: string, request: unknown): Promise<unknown> => {
    const method = grpcMethod(name);
    const answer = await client.call(method.path, grpcRequest(method, request));
    expect(answer, answer.message).toMatchObject({ http: 200, status: '0' });
    return grpcMessageOf(method, answer.body);
  };

  it('has the configuration and the statistics of models', async () => {
    await client.call(INFER.path, body);
    expect(await ask('ModelConfig', { name: 'adult' })).toMatchObject({
      config: {
        name: 'adult',
        backend: 'onnxruntime',
        input: expect.arrayContaining([{ name: 'age', data_type: 'TYPE_INT64', dims: ['-1'] }]) as unknown,
      },
    });
    const adult = {
      name: 'adult',
      version: '1',
      inference_stats: { success: { count: expect.stringMatching(/^[1-9]/) as unknown } },
    };
    expect(await ask('ModelStatistics', { name: 'adult', version: '1' })).toMatchObject({
      model_stats: [adult],
    });
    expect(await ask('ModelStatistics', {})).toMatchObject({
      model_stats: expect.arrayContaining([expect.objectContaining({ name: 'iris' })]) as unknown,
    });
  });

  it('unloads and loads a model', async () => {
    const states = async (): Promise<unknown> =>
      ((await ask('RepositoryIndex', {})) as { models: { name: string; state: string }[] }).models
        .filter(({ name }) => name === 'iris')
        .map(({ state }) => state);
    await ask('RepositoryModelUnload', { model_name: 'iris' });
    expect(await states()).toEqual(['UNAVAILABLE']);
    await ask('RepositoryModelLoad', { model_name: 'iris', parameters: { version: { int64_param: '1' } } });
    expect(await states()).toEqual(['READY']);
    const load = grpcMethod('RepositoryModelLoad');
    const config = grpcRequest(load, { model_name: 'iris', parameters: { config: { string_param: '{}' } } });
    expect(await client.call(load.path, config)).toMatchObject({ http: 200, status: '3' });
    // A page in a browser may not, as over HTTP.
    const page = { headers: { origin: 'https://page.example' } };
    const iris = grpcRequest(load, { model_name: 'iris' });
    expect(await client.call(load.path, iris, page)).toMatchObject({ http: 200, status: '7' });
  }, 60_000);

  it('counts calls by method and code, with closed labels', async () => {
    const metrics = await scrape(server);
    const count = (method: string, code: string): number =>
      metrics.sum('grpc_requests_total', `method="${method}",code="${code}"`);
    expect(count('inference.GRPCInferenceService/ModelInfer', 'OK')).toBeGreaterThan(1);
    expect(count('inference.GRPCInferenceService/ModelInfer', 'INVALID_ARGUMENT')).toBeGreaterThan(3);
    expect(count('none', 'UNIMPLEMENTED')).toBeGreaterThan(2);
    expect(metrics.sum('http_requests_total', 'route="/inference.GRPCInferenceService/ModelInfer"')).toBe(
      metrics.sum('grpc_requests_total', 'method="inference.GRPCInferenceService/ModelInfer"'),
    );
  });

  it('loses no call when processes are killed, and none in a rolling reload', async () => {
    const processes = server.serverProcesses().length;
    expect(processes).toBeGreaterThan(1);
    const load = startGrpcLoad({ port: grpcPort, calls: 8, cases: CASES });
    try {
      await load.more(200);
      for (let time = 0; time < 3; time++) {
        const [victim] = server.serverProcesses();
        process.kill(victim!, 'SIGKILL');
        await eventually(
          'a successor that is ready',
          async () =>
            !server.serverProcesses().includes(victim!) &&
            (await scrape(server)).sum('server_processes') === processes,
          40_000,
        );
        await load.more(200, 30_000);
      }
      const reloaded = server.says('the end of the reload', ({ msg }) => msg === 'reload ended', 60_000);
      server.signal('SIGHUP');
      await reloaded;
      await load.more(200, 30_000);
    } finally {
      await load.stop();
    }
    expect(load.failures).toEqual([]);
  });
});

describe.skipIf(nginxMissing)(needsNginx('gRPC over TLS, on the public port, with keys'), () => {
  it('needs a key but for health, and loses no call when nginx reads its certificate again', () =>
    withTemporaryFolder(async (folder) => {
      const [cert, key] = [join(folder, 'cert.pem'), join(folder, 'key.pem')];
      makeCertificate(cert, key, 'test');
      const port = String(await freePort());
      const env = { PORT: port, GRPC_PORT: port, TLS_CERT: cert, TLS_KEY: key };
      const keyed = 'k'.repeat(32);
      const server = await startServer({
        env: { ...env, API_KEYS: `client:${createHash('sha256').update(keyed).digest('hex')}` },
      });
      const client = grpcClient(`https://127.0.0.1:${port}`);
      try {
        expect(await client.call(INFER.path, body)).toMatchObject({ http: 200, status: '16' });
        for (const headers of [{ authorization: `Bearer ${keyed}` }, { 'x-api-key': keyed }])
          expect(await client.call(INFER.path, body, { headers })).toMatchObject({ status: '0' });
        for (const method of ['Check', 'ServerLive', 'ServerReady'].map(grpcMethod))
          expect(await client.call(method.path, grpcRequest(method, {}))).toMatchObject({ status: '0' });
        const load = grpcMethod('RepositoryModelLoad');
        const headers = { 'x-api-key': keyed };
        expect(
          await client.call(load.path, grpcRequest(load, { model_name: 'iris' }), { headers }),
        ).toMatchObject({ http: 200, status: '7' });
      } finally {
        client.close();
        await server.clean();
      }
      const open = await startServer({ env });
      const load = startGrpcLoad({
        port: Number(port),
        calls: 8,
        cases: CASES,
        certificate: readFileSync(cert),
      });
      try {
        await load.more(200, 30_000);
        const before = open.nginxWorkers();
        open.signal('SIGHUP');
        await open.says('the end of the reload', ({ msg }) => msg === 'reload ended', 60_000);
        await eventually(
          'new workers of nginx',
          () => open.nginxWorkers().some((pid) => !before.includes(pid)),
          30_000,
        );
        await load.more(200, 30_000);
      } finally {
        await load.stop();
        await open.clean();
      }
      expect(load.failures).toEqual([]);
    }));
});

it('GRPC_PORT needs nginx, and a port of its own without TLS', async () => {
  const said = (env: Record<string, string>, args: readonly string[]): Promise<string> =>
    withLaunched({ env, args: ['--no-install', ...args] }, async (server) => {
      const { code } = await server.ended(60_000);
      expect(code).not.toBe(0);
      return server.said();
    });
  const port = String(await freePort());
  expect(await said({ GRPC_PORT: port }, ['--no-proxy'])).toContain(
    'GRPC_PORT needs the proxy: start without --no-proxy',
  );
  expect(await said({ GRPC_PORT: port, PORT: port }, [])).toContain(
    'GRPC_PORT must differ from PORT without TLS_CERT',
  );
});
