import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { type WriteError, writeProblem } from '../server/dialects/errorForm.ts';
import { writeErrorMember } from '../server/dialects/errorSentence.ts';
import { writeMlflowError } from '../server/dialects/mlflow.ts';
import { type ErrorCode, ERRORS, Problem } from '../server/errors/problem.ts';
import { makeCertificate } from '../server/testing/certificate.ts';
import { withTemporaryFolder } from '../server/testing/temporaryFolder.ts';
import { eventually } from '../server/testing/withDeadline.ts';
import { needsNginx, nginxMissing } from './testing/nginxMissing.ts';
import { type RawAnswer, rawExchange, rawRequest } from './testing/rawRequest.ts';
import type { ProxySettings } from './render.ts';
import { readTemplate } from './testing/startProxy.ts';
import { answers, type Behaviour, hangs, hangsUp } from './testing/startUpstream.ts';
import { type Chain, withChain } from './testing/withChain.ts';

vi.setConfig({ testTimeout: 120_000 });

const OURS = 'https://ours.example';
const MAX_BODY_BYTES = 64 * 1024;
const MAX_FILE_BYTES = 2 * MAX_BODY_BYTES;

/** Paths of each location, and of each form of errors. */
const PATHS: readonly (readonly [path: string, write: WriteError])[] = [
  ['/', writeProblem],
  ['/predict', writeProblem],
  ['/predict/', writeProblem],
  ['/health/ready/', writeProblem],
  ['/predict_file', writeProblem],
  ['/predict_file/', writeProblem],
  ['/predict_file?on_error=null', writeProblem],
  ['/models/adult/predict_file', writeProblem],
  ['/models/adult/predict_file/', writeProblem],
  ['/invocations', writeMlflowError],
  ['/invocations/', writeMlflowError],
  ['/ping/', writeMlflowError],
  ['/v1/models/adult:predict', writeErrorMember],
  ['/v2/', writeErrorMember],
  ['/v2/models/adult/infer/', writeErrorMember],
];
const VERTEX: typeof PATHS = [
  ['/vertex/health.1', writeErrorMember],
  ['/vertex/predict', writeErrorMember],
  ['/vertex/predict/', writeErrorMember],
  ['/vertex/explain', writeErrorMember],
  ['/vertex/predicts', writeProblem],
];

/** Ways to render the configuration. Keys are the app's concern. */
const RENDERS: Readonly<Record<string, Partial<ProxySettings>>> = {
  'plain HTTP': {},
  TLS: { tls: { certificate: '', key: '' } },
  'limits, CORS, trusted proxies and paths of Vertex AI': {
    rateLimit: 1_000_000,
    corsOrigins: [OURS],
    trustedProxies: ['10.0.0.0/8'],
    healthPath: '/vertex/health.1',
    predictPath: '/vertex/predict',
    explainPath: '/vertex/explain',
  },
  'all of it, with TLS': {
    tls: { certificate: '', key: '' },
    rateLimit: 1_000_000,
    corsOrigins: ['*'],
    healthPath: '/vertex/health.1',
    predictPath: '/vertex/predict',
    explainPath: '/vertex/explain',
  },
};

const HEAD = `Host: x\r\nX-Request-Id: mine-1\r\nOrigin: ${OURS}\r\n`;
const request = (method: string, target: string, headers = '', body = ''): string =>
  `${method} ${target} HTTP/1.1\r\n${HEAD}${headers}\r\n${body}`;
const withBody = (method: string, target: string, bytes = 2): string =>
  request(method, target, `Content-Length: ${bytes}\r\n`, ' '.repeat(bytes));
const chunk = (bytes: number): string => `${bytes.toString(16)}\r\n{`;

/** What nginx has read of a request when it refuses it: without the request line it doesn't know the path. */
type Read = 'nothing' | 'head';

interface Refused {
  readonly title: string;
  readonly code: ErrorCode;
  readonly bytes: (path: string) => string;
  readonly read?: Read;
}

const CHUNKED = 'Transfer-Encoding: chunked\r\n';
const REFUSED: readonly Refused[] = [
  {
    title: 'a space in the target',
    code: 'bad_request',
    bytes: (path) => request('GET', `${path} x`),
    read: 'nothing',
  },
  {
    title: 'a long request line',
    code: 'uri_too_long',
    bytes: (path) => request('GET', `${path}?${'a'.repeat(17_000)}`),
    read: 'nothing',
  },
  {
    title: 'HTTP/2.0',
    code: 'http_version_not_supported',
    bytes: (path) => request('GET', path).replace('/1.1', '/2.0'),
    read: 'nothing',
  },
  { title: 'two Hosts', code: 'bad_request', bytes: (path) => request('GET', path, 'Host: y\r\n') },
  {
    title: 'a length that is no number',
    code: 'bad_request',
    bytes: (path) => request('POST', path, 'Content-Length: ten\r\n'),
  },
  {
    title: 'a length and chunks',
    code: 'bad_request',
    bytes: (path) => request('POST', path, `Content-Length: 3\r\n${CHUNKED}`, '0\r\n\r\n'),
  },
  { title: 'a raw byte', code: 'bad_request', bytes: (path) => withBody('POST', `${path}?a=\xff`) },
  { title: 'a raw byte, TRACE', code: 'bad_request', bytes: (path) => request('TRACE', `${path}?a=\xff`) },
  { title: 'a bad chunk', code: 'bad_request', bytes: (path) => request('POST', path, CHUNKED, 'zz\r\n') },
  {
    title: 'a bad chunk, TRACE',
    code: 'bad_request',
    bytes: (path) => request('TRACE', path, CHUNKED, 'zz\r\n'),
  },
  {
    title: 'an unknown transfer coding',
    code: 'length_required',
    bytes: (path) => request('POST', path, 'Transfer-Encoding: gzip\r\n'),
  },
  {
    title: 'an announced terabyte',
    code: 'body_too_large',
    bytes: (path) => request('POST', path, `Content-Length: ${1024 ** 4}\r\n`),
  },
  {
    title: 'an announced terabyte, expecting 100',
    code: 'body_too_large',
    bytes: (path) => request('POST', path, `Content-Length: ${1024 ** 4}\r\nExpect: 100-continue\r\n`),
  },
  {
    title: 'an announced terabyte, TRACE',
    code: 'body_too_large',
    bytes: (path) => request('TRACE', path, `Content-Length: ${1024 ** 4}\r\n`),
  },
  {
    title: 'chunks beyond the limit',
    code: 'body_too_large',
    bytes: (path) => request('POST', path, CHUNKED, chunk(MAX_FILE_BYTES + 1)),
  },
  {
    title: 'chunks beyond the limit, TRACE',
    code: 'body_too_large',
    bytes: (path) => request('TRACE', path, CHUNKED, chunk(MAX_FILE_BYTES + 1)),
  },
  {
    title: 'a long header',
    code: 'headers_too_large',
    bytes: (path) => request('GET', path, `X-A: ${'a'.repeat(17_000)}\r\n`),
  },
];

/** Requests that reach nginx's replays: a POST and others take different ways there. */
const METHODS = ['GET', 'POST', 'TRACE'] as const;

async function withRender(
  settings: Partial<ProxySettings>,
  run: (chain: Chain, check: Check) => Promise<void>,
  edit?: (template: string) => string,
): Promise<void> {
  await withTemporaryFolder(async (folder) => {
    const tls = settings.tls && { certificate: join(folder, 'cert.pem'), key: join(folder, 'key.pem') };
    if (tls) makeCertificate(tls.certificate, tls.key, 'x');
    const chosen = { ...settings, ...(tls && { tls }) };
    const options = {
      maxBodyBytes: MAX_BODY_BYTES,
      maxFileBytes: MAX_FILE_BYTES,
      deadlineMs: 200,
      ...chosen,
      ...(edit && { edit }),
    };
    await withChain(options, (chain) => run(chain, (answer, ...wanted) => check(chosen, answer, ...wanted)));
  });
}

type Check = (answer: RawAnswer, code: ErrorCode, write: WriteError, read?: Read) => void;

/** Expects an error in our form, with all that a browser and an operator need. */
function check(
  { tls, corsOrigins }: Partial<ProxySettings>,
  { status, headers, body }: RawAnswer,
  code: ErrorCode,
  write: WriteError,
  read: Read = 'head',
): void {
  const [id = ''] = headers['x-request-id'] ?? [];
  if (read === 'head') expect(id).toBe('mine-1');
  else expect(id).toMatch(/^[0-9a-f]{32}$/);
  const wanted = (read === 'head' ? write : writeProblem)(new Problem(code), id);
  expect(body).toBe(wanted.body);
  expect(status).toBe(wanted.status ?? ERRORS[code].status);
  expect(headers['content-type']).toEqual([wanted.type]);
  expect(headers['x-content-type-options']).toEqual(['nosniff']);
  expect(headers['strict-transport-security']).toEqual(tls ? ['max-age=31536000'] : undefined);
  expect(headers['retry-after']).toEqual(status === 503 || status === 429 ? ['1'] : undefined);
  const origin = corsOrigins?.includes('*') ? '*' : OURS;
  const isShared = corsOrigins !== undefined && (read === 'head' || origin === '*');
  expect(headers['access-control-allow-origin']).toEqual(isShared ? [origin] : undefined);
  expect(headers['access-control-expose-headers']).toEqual(
    isShared ? ['x-request-id, retry-after'] : undefined,
  );
}

/** Sends a header that is none. */
const garbles: Behaviour = (answer) => void answer.socket?.end('HTTP/1.1 200 OK\r\nx\0y: z\r\n\r\n');

describe('a location with error pages of its own', () => {
  it('has all that can be needed there, and none but the error page has headers of its own', async () => {
    const template = await readTemplate();
    const server = template.slice(template.lastIndexOf('    server {'));
    const [first = '', ...locations] = server.split(/^ {8}location /m);
    const common = /error_page 400 .* \$error_page;/.exec(first)?.[0] ?? 'none';
    const own = locations.filter((location) => location.includes('error_page '));
    expect(own.length).toBeGreaterThan(3);
    for (const location of own) expect(location).toContain(` ${common}\n`);
    const headers = [...first.matchAll(/add_header .*/g)].map(([line]) =>
      line.replace('_to_add', '').replace('$nosniff', 'nosniff'),
    );
    expect(headers.length).toBeGreaterThan(2);
    const withHeaders = locations.filter((location) => location.includes('add_header '));
    expect(withHeaders).toHaveLength(1);
    for (const line of headers) expect(withHeaders[0]).toContain(line);
  });
});

describe.each(Object.entries(RENDERS))('an error that nginx makes, with %s', (_, settings) => {
  const tls = settings.tls !== undefined;
  const paths = settings.healthPath === undefined ? PATHS : [...PATHS, ...VERTEX];
  const send = ({ proxy }: Chain, bytes: string): Promise<RawAnswer> =>
    rawRequest(proxy.port, bytes, { tls });
  const label = (title: string, path: string, error: unknown): Error =>
    new Error(`${title} at ${path}: ${(error as Error).message}`, { cause: error });

  it.skipIf(nginxMissing)(needsNginx('has our form in every location: bad requests'), () =>
    withRender(settings, async (chain, check) => {
      for (const { title, code, bytes, read } of REFUSED) {
        const asked = paths.map(async ([path, write]) => {
          try {
            check(await send(chain, bytes(path)), code, write, read);
          } catch (error) {
            throw label(title, path, error);
          }
        });
        await Promise.all(asked);
      }
      expect(chain.upstreams[0]!.received).toEqual([]);
    }),
  );

  it.skipIf(nginxMissing)(needsNginx('has our form in every location: dead, silent, garbled processes'), () =>
    withRender(
      settings,
      async (chain, check) => {
        for (const [behaviour, code] of [
          [hangs, 'deadline_exceeded'],
          [hangsUp, 'not_ready'],
          [garbles, 'not_ready'],
        ] as const) {
          for (const upstream of chain.upstreams) upstream.behaviour = behaviour;
          for (const method of METHODS) {
            const asked = paths.map(async ([path, write]) => {
              try {
                check(await send(chain, withBody(method, path)), code, write);
              } catch (error) {
                throw label(`${method}, ${code}`, path, error);
              }
            });
            await Promise.all(asked);
          }
        }
        // Without a body for HEAD.
        for (const [path] of paths) {
          const bytes = request('HEAD', path, 'Connection: close\r\n');
          const received = await rawExchange(chain.proxy.port, bytes, { tls });
          expect(received.toString()).toMatch(/^HTTP\/1.1 503 [^]*\r\n\r\n$/);
        }
      },
      (template) => template.replace('${FILE_TIMEOUT_MS}ms', '1200ms'),
    ),
  );

  it.skipIf(nginxMissing)(needsNginx('has our form in every location: no room for the body'), () =>
    withRender(
      settings,
      async (chain, check) => {
        await rm(join(chain.runtime, 'nginx-body'), { recursive: true });
        for (const method of METHODS)
          for (const [path, write] of paths)
            check(await send(chain, withBody(method, path, 20_000)), 'internal_error', write);
      },
      (template) => template.replace('client_body_buffer_size 1m', 'client_body_buffer_size 1k'),
    ),
  );

  it.skipIf(nginxMissing)(needsNginx('has our form in every location: too many at a time'), () =>
    withRender(
      { ...settings, deadlineMs: 60_000 },
      async (chain, check) => {
        const upstream = chain.upstreams[0]!;
        upstream.behaviour = hangs;
        const holder = send(chain, withBody('POST', '/predict')).catch(() => undefined);
        await eventually('the first request in a process', () => upstream.received.length > 0);
        for (const method of METHODS)
          for (const [path, write] of paths) {
            if (/health|ping/.test(path)) continue;
            check(await send(chain, withBody(method, path)), 'overloaded', write);
          }
        upstream.behaviour = answers;
        await upstream.stop();
        await holder;
      },
      (template) => template.replace('requests ${CONCURRENT};', 'requests 1; # ${CONCURRENT}'),
    ),
  );

  it.skipIf(nginxMissing)(needsNginx('has our form in every location: too many of one client'), () =>
    withRender({ ...settings, rateLimit: 1 }, async (chain, check) => {
      for (const method of METHODS)
        for (const [path, write] of paths) {
          if (/health|ping/.test(path)) continue;
          const refusal = await eventually('a refusal', async () => {
            const answer = await send(chain, withBody(method, path));
            return answer.status === 429 && answer;
          });
          check(refusal, 'too_many_requests', write);
        }
    }),
  );

  if (tls)
    it.skipIf(nginxMissing)(needsNginx('has our form: plain HTTP on the TLS port'), () =>
      withRender(settings, async (chain, check) => {
        for (const [path, write] of paths) {
          const answer = await rawRequest(chain.proxy.port, request('GET', path));
          // HSTS is for answers over TLS.
          expect(answer.headers['strict-transport-security']).toBeUndefined();
          const headers = { ...answer.headers, 'strict-transport-security': ['max-age=31536000'] };
          check({ ...answer, headers }, 'bad_request', write);
        }
      }),
    );

  it.skipIf(nginxMissing)(needsNginx('is none: conditions and ranges are the app’s'), () =>
    withRender(settings, async (chain) => {
      const conditions =
        'Range: bytes=900-\r\nIf-Match: "x"\r\nIf-Unmodified-Since: Thu, 01 Jan 1970 00:00:00 GMT\r\n';
      for (const [path] of paths)
        expect((await send(chain, request('GET', path, conditions))).status).toBe(200);
    }),
  );
});
