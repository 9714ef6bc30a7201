import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { needsNginx, nginxMissing } from './testing/nginxMissing.ts';
import { type RawAnswer, rawRequest } from './testing/rawRequest.ts';
import { makeRuntime } from './testing/startProxy.ts';
import { answers, hangsUp, type Received } from './testing/startUpstream.ts';
import { startChain, withChain } from './testing/withChain.ts';

const MAX_BODY_BYTES = 3 * 1024 * 1024;

describe.skipIf(nginxMissing)(needsNginx('a request through the proxy'), () => {
  let chain: Awaited<ReturnType<typeof startChain>>;
  beforeAll(async () => {
    chain = await startChain({ maxBodyBytes: MAX_BODY_BYTES });
  });
  afterAll(() => chain.stop());
  beforeEach(() => {
    chain.upstreams[0]!.behaviour = answers;
    chain.upstreams[0]!.received.length = 0;
  });

  /** One request: its answer, and the request that the app saw. */
  async function ask(
    requestLine: string,
    headers = '',
    body = '',
  ): Promise<{ answer: RawAnswer; seen: Received }> {
    const length = body && `Content-Length: ${body.length}\r\n`;
    const bytes = `${requestLine} HTTP/1.1\r\nHost: api.example:81\r\n${headers}${length}\r\n${body}`;
    const answer = await rawRequest(chain.proxy.port, bytes);
    return { answer, seen: chain.upstreams[0]!.received.at(-1)! };
  }

  it.each(['a', 'A-z_0.9', 'x'.repeat(64)])('keeps the id %s', async (id) => {
    const { answer, seen } = await ask('GET /', `X-Request-Id: ${id}\r\n`);
    expect(seen.headers['x-request-id']).toBe(id);
    expect(answer.headers['x-request-id']).toEqual([id]);
  });

  it.each(['', 'a b', 'a"b', 'a,b', 'é', 'x'.repeat(65)])('replaces the id "%s"', async (id) => {
    const { answer, seen } = await ask('GET /', `X-Request-Id: ${id}\r\n`);
    expect(seen.headers['x-request-id']).toMatch(/^[0-9a-f]{32}$/);
    expect(answer.headers['x-request-id']).toEqual([seen.headers['x-request-id']]);
  });

  it("gets a request id in its answer, the app's if there is one", async () => {
    const upstream = chain.upstreams[0]!;
    upstream.behaviour = (answer) => answer.end();
    expect((await ask('GET /', 'X-Request-Id: mine\r\n')).answer.headers['x-request-id']).toEqual(['mine']);
    upstream.behaviour = (answer) => answer.setHeader('x-request-id', 'other').end();
    expect((await ask('GET /', 'X-Request-Id: mine\r\n')).answer.headers['x-request-id']).toEqual(['other']);
  });

  it('has a constant Host and our forwarding headers', async () => {
    const forged =
      'X-Forwarded-For: 10.9.8.7\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Host: evil\r\nX-Forwarded-Port: 1\r\n' +
      'Forwarded: for=10.9.8.7\r\nConnection: keep-alive, X-Other\r\nX-Other: 1\r\n';
    const { headers } = (await ask('GET /', forged)).seen;
    expect(headers).toMatchObject({
      host: 'localhost',
      'x-forwarded-for': '10.9.8.7, 127.0.0.1',
      'x-forwarded-host': 'api.example:81',
      'x-forwarded-port': String(chain.proxy.port),
      'x-forwarded-proto': 'http',
      'x-other': '1',
    });
    expect(headers).not.toHaveProperty('forwarded');
  });

  it.each(['/', '/a//b/../c?d=%20+&e', '/%2e%2f?x', '/a?b#c', `/!"$&'()*,;:<=>@[\\]^_\`{|}~?"<>{|}`])(
    'keeps its target unchanged: %s',
    async (target) => {
      expect((await ask(`GET ${target}`)).seen.url).toBe(target);
    },
  );

  it.each([
    ['http://other.example/a?b', '/a?b'],
    ['http://other.example', '/'],
  ])('may have an absolute target: %s', async (target, url) => {
    for (const method of ['GET', 'POST', 'FOO'])
      expect((await ask(`${method} ${target}`)).seen.url).toBe(url);
  });

  it("may have any byte in its target: bytes that Node's parser refuses are answered with a problem", async () => {
    for (let byte = 0; byte < 256; byte += 1) {
      // These bytes end the line.
      if (byte === 0x0a || byte === 0x0d) continue;
      for (const target of ['/a', '/a?b=']) {
        const line = `GET ${target}${String.fromCharCode(byte)}41`;
        const { status, headers } = await rawRequest(chain.proxy.port, `${line} HTTP/1.1\r\nHost: x\r\n\r\n`);
        const printable = byte > 0x20 && byte < 0x7f;
        const refused = headers['content-type']?.[0] === 'application/problem+json';
        expect([byte, status, refused]).toEqual(printable ? [byte, 200, false] : [byte, 400, true]);
      }
    }
  });

  it.each(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'])(
    'keeps its method: %s',
    async (method) => {
      expect((await ask(`${method} /`)).seen.method).toBe(method);
    },
  );

  it('may have a body of exactly the limit', async () => {
    const body = 'x'.repeat(MAX_BODY_BYTES);
    const { answer, seen } = await ask('POST /predict', '', body);
    expect(answer.status).toBe(200);
    expect(seen.body).toBe(body);
  });

  it('arrives with a length if it was sent in chunks', async () => {
    const chunked = 'Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n';
    const { seen } = await ask('POST /predict', chunked);
    expect(seen).toMatchObject({ body: 'abcde', headers: { 'content-length': '5' } });
    expect(seen.headers).not.toHaveProperty('transfer-encoding');
  });

  it('may have as many header bytes as four buffers hold', async () => {
    const { answer } = await ask('GET /', `X-A: ${'a'.repeat(15_000)}\r\n`.repeat(3));
    expect(answer.status).toBe(200);
  });

  it('may be HTTP/1.0 without a Host', async () => {
    expect((await rawRequest(chain.proxy.port, 'GET / HTTP/1.0\r\n\r\n')).status).toBe(200);
  });

  it('gets an answer without a version of nginx', async () => {
    expect((await ask('GET /')).answer.headers['server']).toEqual(['nginx']);
  });
});

describe.skipIf(nginxMissing)(needsNginx('the access log'), () => {
  it('has a JSON line for each request, without its query', async () => {
    const folder = await makeRuntime();
    const file = join(folder.path, 'access.log');
    try {
      await withChain({ accessLog: file, maxBodyBytes: 10 }, async ({ proxy, upstreams }) => {
        await rawRequest(
          proxy.port,
          'GET /predict?age=secret HTTP/1.1\r\nHost: x\r\nX-Request-Id: one\r\n\r\n',
        );
        await rawRequest(proxy.port, 'POST /a"b?c=secret HTTP/1.1\r\nHost: x\r\nContent-Length: 11\r\n\r\n');
        await rawRequest(proxy.port, 'nonsense\r\n\r\n');
        upstreams[0]!.behaviour = hangsUp;
        await rawRequest(proxy.port, 'FOO /x?c=secret HTTP/1.1\r\nHost: x\r\n\r\n');
        // nginx writes a line after the answer, and the last one before its graceful end.
        await proxy.stop();
      });
      const lines = (await readFile(file, 'utf8')).trimEnd().split('\n');
      expect(lines.join()).not.toContain('secret');
      const entries = lines.map((line) => JSON.parse(line) as Record<string, unknown>);
      expect(entries.filter(({ status }) => status !== 0)).toMatchObject([
        {
          requestId: 'one',
          method: 'GET',
          path: '/predict',
          status: 200,
          upstreamStatus: '200',
          client: '127.0.0.1',
        },
        { method: 'POST', path: '/a"b', status: 413, upstreamStatus: '' },
        { method: '', path: '', status: 400 },
        { method: 'FOO', path: '/x', status: 503, upstreamStatus: '502 : 502' },
      ]);
      for (const { time, seconds, bytes, upstream } of entries) {
        expect([typeof time, typeof seconds, typeof bytes, typeof upstream]).toEqual([
          'string',
          'number',
          'number',
          'string',
        ]);
      }
    } finally {
      await folder.remove();
    }
  });

  it('has a share of the requests, and all that failed', async () => {
    const folder = await makeRuntime();
    const file = join(folder.path, 'access.log');
    try {
      await withChain(
        { accessLog: file, accessLogSample: 0.1, maxBodyBytes: 10 },
        async ({ proxy, upstreams }) => {
          const all = (count: number, bytes: string): Promise<unknown> =>
            Promise.all(Array.from({ length: count }, () => rawRequest(proxy.port, bytes)));
          await all(300, 'GET /fine HTTP/1.1\r\nHost: x\r\n\r\n');
          await all(5, 'POST /large HTTP/1.1\r\nHost: x\r\nContent-Length: 11\r\n\r\n');
          upstreams[0]!.behaviour = (answer) => answer.writeHead(404).end();
          await all(5, 'GET /missing HTTP/1.1\r\nHost: x\r\n\r\n');
          await proxy.stop();
        },
      );
      const paths = (await readFile(file, 'utf8')).match(/"path":"[^"]*"/g) ?? [];
      const count = (path: string): number => paths.filter((text) => text === `"path":"${path}"`).length;
      expect([count('/large'), count('/missing')]).toEqual([5, 5]);
      // Five standard deviations from 30.
      expect(count('/fine')).toBeGreaterThan(3);
      expect(count('/fine')).toBeLessThan(57);
    } finally {
      await folder.remove();
    }
  });

  it("has the id of the app's trace, or else of the client's", async () => {
    const [ours, theirs] = ['a'.repeat(32), 'b'.repeat(32)];
    const traceparent = (text: string): string => `GET / HTTP/1.1\r\nHost: x\r\nTraceparent: ${text}\r\n\r\n`;
    const valid = `00-${theirs}-00f067aa0ba902b7-01`;
    await withChain({ accessLog: 'stdout' }, async ({ proxy, upstreams }) => {
      await rawRequest(proxy.port, traceparent(valid));
      await proxy.says(new RegExp(`"traceId":"${theirs}"`));
      await rawRequest(proxy.port, traceparent(valid.replaceAll('b', '0')));
      await proxy.says(/"traceId":""/);
      upstreams[0]!.behaviour = (answer) =>
        answer.setHeader('traceresponse', `00-${ours}-00f067aa0ba902b7-01`).end();
      await rawRequest(proxy.port, traceparent(valid));
      await proxy.says(new RegExp(`"traceId":"${ours}"`));
    });
  });

  it('goes to standard output, or nowhere', async () => {
    await withChain({ accessLog: 'stdout' }, async ({ proxy }) => {
      await rawRequest(proxy.port, 'GET /a HTTP/1.1\r\nHost: x\r\n\r\n');
      await proxy.says(/"path":"\/a"/);
    });
    await withChain({}, async ({ proxy }) => {
      await rawRequest(proxy.port, 'GET /a HTTP/1.1\r\nHost: x\r\n\r\n');
      await proxy.stop();
      expect(proxy.said()).toBe('');
    });
  });
});

describe.skipIf(nginxMissing)(needsNginx('the runtime folder'), () => {
  const isRoot = process.getuid?.() === 0;

  const holdsEverything = (options: { uid?: number; user?: undefined }) => () =>
    withChain({ folder: ' with space', ...options }, async ({ proxy, upstreams, runtime }) => {
      const body = 'x'.repeat(1024 * 1024);
      const bytes = `POST / HTTP/1.1\r\nHost: x\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
      upstreams[0]!.behaviour = (answer) => answer.end(body.repeat(4));
      expect((await rawRequest(proxy.port, bytes)).body).toHaveLength(body.length * 4);
      const made = (await readdir(runtime)).filter((name) => !name.endsWith('.sock'));
      const folders = ['body', 'fastcgi', 'proxy', 'scgi', 'uwsgi'].map((name) => `nginx-${name}`);
      expect(made.sort()).toEqual([...folders, 'nginx.conf', 'nginx.pid', 'own']);
      expect(proxy.said()).toBe('');
    });

  it('is the only place that nginx writes to, and may have a space in its name', holdsEverything({}));

  const title = 'is so where root starts nginx as another user';
  it.skipIf(!isRoot)(
    isRoot ? title : `${title} (skipped, needs root)`,
    holdsEverything({ uid: 65_534, user: undefined }),
  );
});
