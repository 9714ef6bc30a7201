import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type WriteError, writeProblem } from '../server/dialects/errorForm.ts';
import { writeErrorMember } from '../server/dialects/errorSentence.ts';
import { writeMlflowError } from '../server/dialects/mlflow.ts';
import {
  type ErrorCode,
  ERRORS,
  Problem,
  problemBody,
  RETRY_AFTER_SECONDS,
} from '../server/errors/problem.ts';
import { needsNginx, nginxMissing } from './testing/nginxMissing.ts';
import { rawExchange, rawRequest } from './testing/rawRequest.ts';
import { readTemplate } from './testing/startProxy.ts';
import { answers, hangs, hangsUp } from './testing/startUpstream.ts';
import { type Chain, startChain, withChain } from './testing/withChain.ts';

const MAX_BODY_BYTES = 64 * 1024;

/** Locations with failures that no request can cause. */
const withFailures = (template: string): string =>
  template.replace(
    'location / {',
    `location = /fails/429 { return 429; } location = /fails/500 { return 500; } location = /fails/503 { return 503; }
     location / {`,
  );

const get = (target: string, headers = ''): string => `GET ${target} HTTP/1.1\r\nHost: x\r\n${headers}\r\n`;
const post = (headers: string, body = ''): string =>
  `POST /predict HTTP/1.1\r\nHost: x\r\n${headers}\r\n${body}`;

/** Bytes that nginx answers itself, and the error. */
const MADE_BY_NGINX: readonly (readonly [title: string, bytes: string, code: ErrorCode])[] = [
  ['no HTTP at all', 'hello\r\n\r\n', 'bad_request'],
  ['the start of a TLS connection', '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n', 'bad_request'],
  ['a request line without a target', 'GET HTTP/1.1\r\nHost: x\r\n\r\n', 'bad_request'],
  ['a method in lower case', 'get / HTTP/1.1\r\nHost: x\r\n\r\n', 'bad_request'],
  ['a space in the target', get('/a b'), 'bad_request'],
  ['a raw byte in the path', get('/\xe9'), 'bad_request'],
  ['a raw byte in the query', get('/predict?a=\xff'), 'bad_request'],
  ['a control character in the target', get('/a\x01'), 'bad_request'],
  ['an encoded NUL', get('/%00'), 'bad_request'],
  ['a path above the root', get('/../x'), 'bad_request'],
  ['no Host', 'GET / HTTP/1.1\r\n\r\n', 'bad_request'],
  ['two Hosts', get('/', 'Host: y\r\n'), 'bad_request'],
  ['a NUL in a header', get('/', 'X-A: a\x00b\r\n'), 'bad_request'],
  ['a length that is no number', post('Content-Length: ten\r\n'), 'bad_request'],
  [
    'a length and chunks',
    post('Content-Length: 3\r\nTransfer-Encoding: chunked\r\n', '0\r\n\r\n'),
    'bad_request',
  ],
  ['a bad chunk', post('Transfer-Encoding: chunked\r\n', 'zz\r\n'), 'bad_request'],
  ['CONNECT to an authority', 'CONNECT example.org:443 HTTP/1.1\r\nHost: x\r\n\r\n', 'bad_request'],
  ['TRACE with a raw byte', 'TRACE /\xff HTTP/1.1\r\nHost: x\r\n\r\n', 'bad_request'],
  ["the error page's own path", get('/__problem'), 'not_found'],
  ["the refused methods' own path", get('/__refused_method'), 'not_found'],
  ['an unknown transfer coding', post('Transfer-Encoding: gzip\r\n'), 'length_required'],
  ['a body above the limit', post(`Content-Length: ${MAX_BODY_BYTES + 1}\r\n`), 'body_too_large'],
  [
    'chunks above the limit',
    post('Transfer-Encoding: chunked\r\n', `${(MAX_BODY_BYTES + 1).toString(16)}\r\n{`),
    'body_too_large',
  ],
  ['a long request line', get(`/${'a'.repeat(17_000)}`), 'uri_too_long'],
  ['a long header', get('/', `X-A: ${'a'.repeat(17_000)}\r\n`), 'headers_too_large'],
  ['many headers', get('/', `X-A: ${'a'.repeat(9_000)}\r\n`.repeat(9)), 'headers_too_large'],
  ['HTTP/2.0', 'GET / HTTP/2.0\r\nHost: x\r\n\r\n', 'http_version_not_supported'],
  ['too many requests', get('/fails/429'), 'too_many_requests'],
  ['a failure of nginx', get('/fails/500'), 'internal_error'],
  ['nginx being unavailable', get('/fails/503'), 'not_ready'],
];

/** Paths with another form of errors. */
const IN_A_DIALECT: readonly (readonly [path: string, write: WriteError])[] = [
  ['/v2', writeErrorMember],
  ['/v2?a=b', writeErrorMember],
  ['/v2/models/adult/infer', writeErrorMember],
  ['/v2/nothing/here', writeErrorMember],
  ['/v1/models/adult:predict', writeErrorMember],
  ['/invocations', writeMlflowError],
  ['/invocations?a=b', writeMlflowError],
  ['/ping', writeMlflowError],
  ['/version', writeMlflowError],
  ['/v20', writeProblem],
  ['/invocations/x', writeProblem],
  ['/predict?a=/v2/models', writeProblem],
  ['/models/adult/v2/x', writeProblem],
];

describe("the texts of nginx.conf's errors", () => {
  it('are those of the catalogue', async () => {
    const template = await readTemplate();
    const mapOf = (name: string): Record<string, string> => {
      const block = new RegExp(`\\$${name} \\{([^}]*)\\}`).exec(template)?.[1] ?? '';
      const entries = [...block.matchAll(/^\s*(\S+) "?(.*?)"?;$/gm)];
      return Object.fromEntries(entries.map(([, key = '', value = '']) => [key, value]));
    };
    const { default: fallback, ...codes } = mapOf('problem_code');
    expect(fallback).toBe('internal_error');
    const unavailable = mapOf('unavailable');
    expect(unavailable).toEqual({ default: 'not_ready', REJECTED: 'overloaded' });
    codes['503'] = 'not_ready';
    const made = Object.values(codes).concat('internal_error', 'overloaded') as ErrorCode[];
    const expected = (member: 'title' | 'detail'): Record<string, string> =>
      Object.fromEntries(
        made.map((code) => [
          code,
          (JSON.parse(problemBody(new Problem(code), '')) as Record<string, string>)[member]!,
        ]),
      );
    expect(mapOf('problem_title')).toEqual(expected('title'));
    expect(mapOf('problem_detail')).toEqual(expected('detail'));
    const { default: others, ...named } = mapOf('mlflow_code');
    const mlflow = made.map((code) => [code, named[code] ?? others]);
    const words = (code: ErrorCode): unknown => JSON.parse(writeMlflowError(new Problem(code), '').body);
    for (const [code, word] of mlflow) expect(words(code as ErrorCode)).toMatchObject({ error_code: word });
    for (const [status, code] of Object.entries(codes))
      expect(ERRORS[code as ErrorCode].status).toBe(Number(status));
  });
});

describe.skipIf(nginxMissing)(needsNginx('an error that nginx makes'), () => {
  let chain: Awaited<ReturnType<typeof startChain>>;
  beforeAll(async () => {
    chain = await startChain({
      processes: 2,
      maxBodyBytes: MAX_BODY_BYTES,
      deadlineMs: 200,
      edit: withFailures,
    });
  });
  afterAll(() => chain.stop());
  afterEach(() => {
    for (const upstream of chain.upstreams) {
      upstream.behaviour = answers;
      upstream.received.length = 0;
    }
  });

  it.each(MADE_BY_NGINX)('is a problem: %s', async (_, bytes, code) => {
    await expectProblem(chain, bytes, code);
    expect(chain.upstreams.flatMap(({ received }) => received)).toEqual([]);
  });

  it('has the form of the path', async () => {
    const everyPath = async (method: string, code: ErrorCode, more: string, body = ''): Promise<void> => {
      const asked = IN_A_DIALECT.map(async ([path, write]) => {
        const head = `${method} ${path} HTTP/1.1\r\nHost: x\r\nX-Request-Id: mine-1\r\n`;
        const answer = await rawRequest(chain.proxy.port, `${head}${more}\r\n${body}`);
        const wanted = write(new Problem(code), 'mine-1');
        const { status = ERRORS[code].status } = wanted;
        expect([path, answer.status, answer.body]).toEqual([path, status, wanted.body]);
        expect(answer.headers['content-type']).toEqual([wanted.type]);
        expect(answer.headers['x-request-id']).toEqual(['mine-1']);
        expect(answer.headers['retry-after']).toEqual(status === 503 ? ['1'] : undefined);
      });
      await Promise.all(asked);
    };
    await everyPath('POST', 'body_too_large', `Content-Length: ${MAX_BODY_BYTES + 1}\r\n`);
    await everyPath('POST', 'length_required', 'Transfer-Encoding: gzip\r\n');
    await everyPath('POST', 'bad_request', 'Content-Length: 3\r\nTransfer-Encoding: chunked\r\n');
    await everyPath('GET', 'headers_too_large', `X-A: ${'a'.repeat(17_000)}\r\n`);
    const withBody = ['Content-Length: 2\r\n', '{}'] as const;
    for (const [behaviour, code] of [
      [hangs, 'deadline_exceeded'],
      [hangsUp, 'not_ready'],
    ] as const) {
      for (const upstream of chain.upstreams) upstream.behaviour = behaviour;
      for (const method of ['GET', 'POST', 'TRACE']) await everyPath(method, code, ...withBody);
    }
  });

  it('is a problem: no process answers', async () => {
    for (const upstream of chain.upstreams) upstream.behaviour = hangsUp;
    for (const method of ['GET', 'POST', 'TRACE', 'FOO']) {
      const bytes = `${method} / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}`;
      await expectProblem(chain, bytes, 'not_ready');
    }
  });

  it('is a problem: a process does not answer in time, and nothing is replayed', async () => {
    for (const upstream of chain.upstreams) upstream.behaviour = hangs;
    for (const method of ['GET', 'POST', 'TRACE']) {
      for (const { received } of chain.upstreams) received.length = 0;
      await expectProblem(
        chain,
        `${method} / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}`,
        'deadline_exceeded',
      );
      expect(chain.upstreams.flatMap(({ received }) => received)).toHaveLength(1);
    }
  });

  it('has no body for HEAD', async () => {
    for (const upstream of chain.upstreams) upstream.behaviour = hangsUp;
    const received = await rawExchange(
      chain.proxy.port,
      'HEAD / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n',
    );
    expect(received.toString()).toMatch(/^HTTP\/1.1 503 [^]*\r\n\r\n$/);
  });

  it("keeps the client's request id if the headers were read", async () => {
    const { headers, body } = await rawRequest(
      chain.proxy.port,
      get('/fails/500', 'X-Request-Id: mine-1\r\n'),
    );
    expect(headers['x-request-id']).toEqual(['mine-1']);
    expect(JSON.parse(body)).toMatchObject({ requestId: 'mine-1' });
  });

  it('never replaces an answer of the app', async () => {
    for (const status of [400, 404, 405, 413, 429, 500, 502, 503, 504]) {
      for (const upstream of chain.upstreams) {
        upstream.behaviour = (answer) =>
          answer.writeHead(status, { 'content-type': 'text/x', allow: 'GET' }).end('own');
      }
      const { status: given, headers, body } = await rawRequest(chain.proxy.port, get('/'));
      expect([given, headers['content-type'], headers['allow'], body]).toEqual([
        status,
        ['text/x'],
        ['GET'],
        'own',
      ]);
    }
  });

  it.each(['TRACE', 'CONNECT', 'FOO', 'PROPFIND', 'G-T', 'A_B'])(
    'is left to the app for %s, which knows what the path allows',
    async (method) => {
      for (const upstream of chain.upstreams) {
        upstream.behaviour = (answer) => answer.writeHead(405, { allow: 'GET, POST' }).end();
      }
      const { status, headers } = await rawRequest(
        chain.proxy.port,
        `${method} /a//b?c=%20 HTTP/1.1\r\nHost: x\r\n\r\n`,
      );
      expect([status, headers['allow']]).toEqual([405, ['GET, POST']]);
      const received = chain.upstreams.flatMap((upstream) => upstream.received);
      expect(received.map((request) => [request.method, request.url])).toEqual([['UNLINK', '/a//b?c=%20']]);
    },
  );
});

describe.skipIf(nginxMissing)(needsNginx('a client that is too slow'), () => {
  const impatient = (template: string): string => template.replace(/(client_\w+_timeout) 10s/g, '$1 100ms');

  it.each([
    ['its headers', 'GET / HTTP/1.1\r\nHost:'],
    ['its body', post('Content-Length: 10\r\n', '{}')],
  ])('with %s is disconnected without an answer', (_, bytes) =>
    withChain({ edit: impatient }, async ({ proxy, upstreams }) => {
      expect((await rawExchange(proxy.port, bytes)).toString()).toBe('');
      expect(upstreams[0]!.received).toEqual([]);
    }),
  );
});

async function expectProblem({ proxy }: Chain, bytes: string, code: ErrorCode): Promise<void> {
  const { status, headers, body } = await rawRequest(proxy.port, bytes);
  const [id = '', ...others] = headers['x-request-id'] ?? [];
  expect(id).toMatch(/^[0-9a-f]{32}$/);
  expect(others).toEqual([]);
  expect(body).toBe(problemBody(new Problem(code), id));
  expect(status).toBe(ERRORS[code].status);
  expect(headers['content-type']).toEqual(['application/problem+json']);
  expect(headers['retry-after']).toEqual(
    status === 503 || status === 429 ? [String(RETRY_AFTER_SECONDS)] : undefined,
  );
}
