import { connect as connectSocket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type WriteError, writeProblem } from '../server/dialects/errorForm.ts';
import { writeErrorMember } from '../server/dialects/errorSentence.ts';
import { writeMlflowError } from '../server/dialects/mlflow.ts';
import { type ErrorCode, ERRORS, Problem } from '../server/errors/problem.ts';
import { makeCertificate } from '../server/testing/certificate.ts';
import { withTemporaryFolder } from '../server/testing/temporaryFolder.ts';
import type { ProxySettings } from './render.ts';
import { needsNginx, nginxMissing } from './testing/nginxMissing.ts';
import { exchangeOn, parseAnswer } from './testing/rawRequest.ts';
import { readTemplate } from './testing/startProxy.ts';
import { hangs, hangsUp } from './testing/startUpstream.ts';
import { withChain } from './testing/withChain.ts';

const MAX_FILE_BYTES = 256 * 1024;
const ORIGIN = 'https://ours.example';
const ID = 'mine-1';

/** A path of each location and of each form of errors. */
const PATHS: readonly (readonly [path: string, write: WriteError])[] = [
  ['/predict', writeProblem],
  ['/predict/', writeProblem],
  ['/predict_file', writeProblem],
  ['/predict_file/', writeProblem],
  ['/predict_file?on_error=null', writeProblem],
  ['/models/adult/predict_file', writeProblem],
  ['/v2/models/adult/infer', writeErrorMember],
  ['/v1/models/adult:predict', writeErrorMember],
  ['/invocations', writeMlflowError],
  ['/invocations/', writeMlflowError],
  ['/ping/', writeMlflowError],
];

const announced = (path: string, bytes: number): string => request('POST', path, `Content-Length: ${bytes}`);
const request = (method: string, path: string, header: string, body = ''): string =>
  `${method} ${path} HTTP/1.1\r\nHost: x\r\nX-Request-Id: ${ID}\r\nOrigin: ${ORIGIN}\r\n${header}\r\n\r\n${body}`;
const TWO_BYTES = ['Content-Length: 2', '{}'] as const;

/** The errors that nginx makes of a request's headers or body, which it may find after the location. */
const OF_REQUESTS: readonly (readonly [code: ErrorCode, bytes: (path: string) => string])[] = [
  ['body_too_large', (path) => announced(path, MAX_FILE_BYTES + 1)],
  ['body_too_large', (path) => announced(path, 2 ** 40)],
  [
    'body_too_large',
    (path) =>
      request('POST', path, 'Transfer-Encoding: chunked', `${(MAX_FILE_BYTES + 1).toString(16)}\r\n{`),
  ],
  ['bad_request', (path) => request('POST', path, 'Transfer-Encoding: chunked', 'zz\r\n')],
  ['bad_request', (path) => request('POST', path, 'Content-Length: 3\r\nTransfer-Encoding: chunked')],
  ['bad_request', (path) => request('POST', `${path}${path.includes('?') ? '&' : '?'}a=\xff`, ...TWO_BYTES)],
  ['length_required', (path) => request('POST', path, 'Transfer-Encoding: gzip')],
  ['headers_too_large', (path) => request('GET', path, `X-A: ${'a'.repeat(17_000)}`)],
];

const VARIANTS: Readonly<Record<string, Partial<ProxySettings>>> = {
  'the default settings': {},
  TLS: {},
  'a rate limit': { rateLimit: 1000 },
  CORS: { corsOrigins: [ORIGIN] },
  'TLS, a rate limit, CORS, trusted proxies and a health path': {
    rateLimit: 1000,
    corsOrigins: ['*'],
    trustedProxies: ['10.0.0.0/8'],
    healthPath: '/vertex/health',
  },
};

describe.skipIf(nginxMissing)(needsNginx("nginx's own errors have our form in every location"), () => {
  it.each(Object.entries(VARIANTS))('with %s', (title, settings) =>
    withTemporaryFolder(async (folder) => {
      const tls = title.startsWith('TLS')
        ? { certificate: join(folder, 'cert.pem'), key: join(folder, 'key.pem') }
        : undefined;
      if (tls) makeCertificate(tls.certificate, tls.key, 'localhost');
      const options = {
        processes: 2,
        deadlineMs: 200,
        maxBodyBytes: 64 * 1024,
        maxFileBytes: MAX_FILE_BYTES,
      };
      // A file's timeout grows with its limit; here nothing may take as long.
      const edit = (template: string): string =>
        template.replaceAll('${FILE_TIMEOUT_MS}', '${ANSWER_TIMEOUT_MS}');
      const withTimeout = (template: string): string => `${edit(template)}\n# ${'${FILE_TIMEOUT_MS}'}\n`;
      await withChain({ ...options, ...settings, tls, edit: withTimeout }, async ({ proxy, upstreams }) => {
        const origin = settings.corsOrigins?.[0];
        const ask = async (bytes: string) => {
          const host = '127.0.0.1';
          const socket = tls
            ? connectTls({ port: proxy.port, host, rejectUnauthorized: false })
            : connectSocket(proxy.port, host);
          const answer = parseAnswer(await exchangeOn(socket, bytes));
          if (!answer) throw new Error(`no whole answer to ${bytes.slice(0, 60)}`);
          return answer;
        };
        const expectOurs = async (code: ErrorCode, path: string, write: WriteError, bytes: string) => {
          const { status, headers, body } = await ask(bytes);
          const wanted = write(new Problem(code), ID);
          const where = `${code} at ${path}`;
          expect([where, status, body]).toEqual([where, wanted.status ?? ERRORS[code].status, wanted.body]);
          expect([where, headers['content-type'], headers['x-request-id']]).toEqual([
            where,
            [wanted.type],
            [ID],
          ]);
          expect([where, headers['access-control-allow-origin']]).toEqual([where, origin && [origin]]);
          expect([where, headers['strict-transport-security']?.length]).toEqual([where, tls ? 1 : undefined]);
          expect([where, headers['x-content-type-options']]).toEqual([where, ['nosniff']]);
        };

        for (const [path, write] of PATHS)
          for (const [code, bytes] of OF_REQUESTS) await expectOurs(code, path, write, bytes(path));
        for (const [behaviour, code] of [
          [hangs, 'deadline_exceeded'],
          [hangsUp, 'not_ready'],
        ] as const) {
          for (const upstream of upstreams) upstream.behaviour = behaviour;
          await Promise.all(
            PATHS.flatMap(([path, write]) =>
              ['GET', 'POST', 'TRACE'].map((method) =>
                expectOurs(code, path, write, request(method, path, ...TWO_BYTES)),
              ),
            ),
          );
        }
      });
    }),
  );

  it('since each location that names an error page names them all', async () => {
    const template = await readTemplate();
    const locations = [...template.matchAll(/^ {8}location (.*) \{\n([^]*?)\n {8}\}$/gm)];
    expect(locations.length).toBeGreaterThan(5);
    for (const [, name, body = ''] of locations) {
      const own = body.includes('error_page');
      expect([name, own && !body.includes('${ERROR_PAGES}')]).toEqual([name, false]);
    }
  });
});
