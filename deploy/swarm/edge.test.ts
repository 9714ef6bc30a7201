import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { once } from 'node:events';
import { connect } from 'node:net';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { needsNginx, nginxMissing } from '../../proxy/testing/nginxMissing.ts';
import { rawRequest } from '../../proxy/testing/rawRequest.ts';
import { makeRuntime } from '../../proxy/testing/startProxy.ts';
import type { ErrorCode } from '../../server/errors/problem.ts';
import { ERRORS, Problem, problemBody } from '../../server/errors/problem.ts';
import { freePort } from '../../server/testing/freePort.ts';
import type { Running } from '../testing/programs.ts';
import { startProgram } from '../testing/programs.ts';

const get = (target: string, headers = ''): string => `GET ${target} HTTP/1.1\r\nHost: x\r\n${headers}\r\n`;
const post = (headers: string, body = ''): string =>
  `POST /predict HTTP/1.1\r\nHost: x\r\n${headers}\r\n${body}`;

/** Requests that the edge itself answers, and their errors. */
const MADE_BY_EDGE: readonly (readonly [title: string, bytes: string, code: ErrorCode])[] = [
  ['no HTTP at all', 'hello\r\n\r\n', 'bad_request'],
  ['a path above the root', get('/../x'), 'bad_request'],
  ['no Host', 'GET / HTTP/1.1\r\n\r\n', 'bad_request'],
  [
    'CONNECT to an authority',
    'CONNECT example.org:443 HTTP/1.1\r\nHost: example.org:443\r\n\r\n',
    'bad_request',
  ],
  ['an unknown transfer coding', post('Transfer-Encoding: gzip\r\n'), 'length_required'],
  ['a body above the limit', post('Content-Length: 300000000\r\n'), 'body_too_large'],
  ['a long request line', get(`/${'a'.repeat(17_000)}`), 'uri_too_long'],
  ['a long header', get('/', `X-A: ${'a'.repeat(17_000)}\r\n`), 'headers_too_large'],
  ['many headers', get('/', `X-A: ${'a'.repeat(9_000)}\r\n`.repeat(9)), 'headers_too_large'],
  ['HTTP/2.0', 'GET / HTTP/2.0\r\nHost: x\r\n\r\n', 'http_version_not_supported'],
];

describe.skipIf(nginxMissing)(needsNginx('the edge of a Swarm stack'), () => {
  const asked: string[] = [];
  const replica = createServer(({ method, url }, answer) => {
    asked.push(`${method} ${url}`);
    answer.writeHead(400, { 'content-type': 'text/x', 'x-content-type-options': 'nosniff' }).end('own');
  });
  let runtime: Awaited<ReturnType<typeof makeRuntime>>;
  let edge: Running | undefined;
  let port: number;

  beforeAll(async () => {
    replica.listen(0, '127.0.0.1');
    await once(replica, 'listening');
    runtime = await makeRuntime('edge');
    port = await freePort();
    mkdirSync(join(runtime.path, 'tmp'), { mode: 0o777 });
    const config = join(runtime.path, 'nginx.conf');
    // Another folder and port, and one worker; all else as shipped.
    const text = readFileSync(new URL('edge.nginx.conf', import.meta.url), 'utf8')
      .replaceAll(' /tmp/', ` ${runtime.path}/tmp/`)
      .replace('worker_processes auto', 'worker_processes 1')
      .replace('listen 5000', `listen 127.0.0.1:${port}`)
      .replace('server:5000', `127.0.0.1:${(replica.address() as AddressInfo).port}`);
    writeFileSync(config, text);
    const accepts = (): Promise<boolean> =>
      new Promise((resolve) => {
        const socket = connect(port, '127.0.0.1', () => resolve(true)).once('error', () => resolve(false));
        socket.once('connect', () => socket.destroy());
      });
    edge = await startProgram('nginx', ['-e', 'stderr', '-c', config], {
      cwd: runtime.path,
      signal: 'SIGTERM',
      ready: accepts,
    });
  }, 60_000);
  afterAll(async () => {
    await edge?.stop();
    replica.close();
    await runtime?.remove();
  });

  const expectProblem = async (bytes: string, code: ErrorCode): Promise<void> => {
    const { status, headers, body } = await rawRequest(port, bytes);
    const { requestId } = JSON.parse(body) as { requestId: string };
    expect(JSON.parse(body)).toEqual(JSON.parse(problemBody(new Problem(code), requestId)));
    expect(status).toBe(ERRORS[code].status);
    expect(headers).toMatchObject({
      'content-type': ['application/problem+json'],
      'x-content-type-options': ['nosniff'],
      'x-request-id': [requestId],
    });
  };

  it.each(MADE_BY_EDGE)("answers in the replicas' form: %s", async (_, bytes, code) => {
    await expectProblem(bytes, code);
    expect(asked).toEqual([]);
  });

  it('passes the answers of the replicas on unchanged', async () => {
    const { status, headers, body } = await rawRequest(port, get('/'));
    expect([status, headers['content-type'], headers['x-content-type-options'], body]).toEqual([
      400,
      ['text/x'],
      ['nosniff'],
      'own',
    ]);
  });

  it('passes a method that nginx would refuse on to the replicas, which know the methods of a path', async () => {
    asked.length = 0;
    const { body } = await rawRequest(port, 'TRACE /a?b=1 HTTP/1.1\r\nHost: x\r\n\r\n');
    expect([body, asked]).toEqual(['own', ['UNLINK /a?b=1']]);
  });

  it("answers in the replicas' form without a replica", async () => {
    replica.close();
    replica.closeAllConnections();
    await expectProblem('TRACE / HTTP/1.1\r\nHost: x\r\n\r\n', 'not_ready');
    await expectProblem(get('/', 'X-Request-Id: mine\r\n'), 'not_ready');
    expect((await rawRequest(port, get('/'))).headers['retry-after']).toEqual(['1']);
  });
});
