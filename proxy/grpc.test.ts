import { spawnSync } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { constants } from 'node:http2';
import { join } from 'node:path';
import { Client, credentials } from '@grpc/grpc-js';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { GRPC_CODES, GRPC_CODE_OF } from '../server/dialects/grpc/status.ts';
import { ERRORS, type ErrorCode } from '../server/errors/problem.ts';
import { makeCertificate } from '../server/testing/certificate.ts';
import { freePort } from '../server/testing/freePort.ts';
import { type GrpcAnswer, type GrpcClient, grpcClient } from '../server/testing/grpcClient.ts';
import { withTemporaryFolder } from '../server/testing/temporaryFolder.ts';
import { http2Form } from './render.ts';
import { needsNginx, nginxMissing } from './testing/nginxMissing.ts';
import { rawRequest } from './testing/rawRequest.ts';
import { readTemplate } from './testing/startProxy.ts';
import { answers, type Behaviour, hangs, hangsUp } from './testing/startUpstream.ts';
import { type Chain, startChain, withChain } from './testing/withChain.ts';

const MAX_BODY_BYTES = 64 * 1024;
const INFER = '/inference.GRPCInferenceService/ModelInfer';
const http2 = http2Form(spawnSync('nginx', ['-v'], { encoding: 'utf8' }).stderr);

/** A framed message. */
const frame = (text: string): Buffer => {
  const head = Buffer.alloc(5);
  head.writeUInt32BE(text.length, 1);
  return Buffer.concat([head, Buffer.from(text)]);
};

/** Answers as the app does. */
const grpcAnswers: Behaviour = (answer) => {
  answer.writeHead(200, { 'content-type': 'application/grpc', 'grpc-status': '0' });
  answer.end(frame('answer'));
};
const grpcRefuses: Behaviour = (answer) => {
  answer.writeHead(200, {
    'content-type': 'application/grpc',
    'grpc-status': '3',
    'grpc-message': 'row 0%25',
  });
  answer.end();
};

type Options = Parameters<typeof withChain>[0];

/** Runs a test with a chain that takes gRPC, and a client of it. */
async function withGrpc(
  options: Options,
  run: (chain: Chain & { readonly grpcPort: number }, client: GrpcClient) => Promise<void>,
): Promise<void> {
  const port = await freePort();
  await withChain({ maxBodyBytes: MAX_BODY_BYTES, grpc: { port, http2 }, ...options }, async (chain) => {
    for (const upstream of chain.upstreams) upstream.behaviour = grpcAnswers;
    const client = grpcClient(`http://127.0.0.1:${port}`);
    try {
      await run({ ...chain, grpcPort: port }, client);
    } finally {
      client.close();
    }
  });
}

const codeOf = (code: ErrorCode): string => String(GRPC_CODES[GRPC_CODE_OF[code]]);

/** An answer that nginx made in place of the app. */
function expectError(answer: GrpcAnswer, code: ErrorCode): void {
  expect([answer.http, answer.status, answer.message]).toEqual([200, codeOf(code), ERRORS[code].detail]);
  expect(answer.headers['content-type']).toBe('application/grpc');
  expect(answer.headers['x-request-id']).toMatch(/^[\w.-]+$/);
  expect(answer.body).toHaveLength(0);
}

it('HTTP/2 has its own directive from nginx 1.25.1 on', () => {
  const forms = ['nginx/1.22.1', 'nginx/1.25.0', 'nginx/1.25.1', 'nginx/1.31.5', 'nginx/2.0.0 (x)', ''];
  expect(forms.map((said) => http2Form(`nginx version: ${said}\n`))).toEqual([
    'parameter',
    'parameter',
    'directive',
    'directive',
    'directive',
    'parameter',
  ]);
});

it("nginx's own errors have the status of the app's", async () => {
  const map = /map \$problem_code \$grpc_code \{([^}]*)\}/.exec(await readTemplate())?.[1] ?? '';
  const entries = [...map.matchAll(/(\w+) (\d+);/g)].map(([, code = '', status = '']) => [code, status]);
  expect(entries.length).toBeGreaterThan(10);
  for (const [code, status] of entries)
    expect([code, status]).toEqual([
      code,
      codeOf(code === 'default' ? 'internal_error' : (code as ErrorCode)),
    ]);
});

describe.skipIf(nginxMissing)(needsNginx('gRPC through nginx'), () => {
  it('passes a call on as an ordinary request, and the status back as trailers', () =>
    withGrpc({}, async ({ upstreams: [upstream] }, client) => {
      const body = frame('question');
      const headers = { 'x-request-id': 'mine', 'grpc-timeout': '5S', authorization: 'Bearer k' };
      const answer = await client.call(INFER, body, { headers });
      expect([answer.http, answer.status, answer.body]).toEqual([200, '0', frame('answer')]);
      const [received] = upstream!.received;
      expect(received).toMatchObject({ method: 'POST', url: INFER, body: body.toString('latin1') });
      expect(received!.headers).toMatchObject({
        ...headers,
        'content-type': 'application/grpc',
        'content-length': String(body.length),
      });
      upstream!.behaviour = grpcRefuses;
      expect(await client.call(INFER, body)).toMatchObject({ http: 200, status: '3', message: 'row 0%' });
    }));

  it('takes a body of exactly the limit, and a thousand calls over one connection', () =>
    withGrpc({ workers: 2 }, async ({ upstreams: [upstream] }, client) => {
      const body = Buffer.alloc(MAX_BODY_BYTES, 1);
      expect(await client.call(INFER, body)).toMatchObject({ status: '0' });
      expect(upstream!.received[0]!.body).toHaveLength(MAX_BODY_BYTES);
      const calls = Array.from({ length: 1000 }, () => client.call(INFER, frame('x')));
      for (const answer of await Promise.all(calls)) expect(answer.status).toBe('0');
    }));

  it('a client of one channel sees no error when nginx replaces its connection', () =>
    withGrpc(
      {
        workers: 2,
        accessLog: 'stdout',
        edit: (template) => template.replace('keepalive_requests 100000;', 'keepalive_requests 40;'),
      },
      async ({ proxy, grpcPort }) => {
        const client = new Client(`127.0.0.1:${grpcPort}`, credentials.createInsecure());
        const same = (bytes: Buffer): Buffer => bytes;
        const call = (): Promise<string> =>
          new Promise((resolve) => {
            const options = { deadline: Date.now() + 20_000 };
            client.makeUnaryRequest(INFER, same, same, Buffer.from('x'), options, (error, answer) =>
              resolve(error ? `${error.code}: ${error.details}` : String(answer)),
            );
          });
        let left = 600;
        const answers: string[] = [];
        const caller = async (): Promise<void> => {
          while (left-- > 0) answers.push(await call());
        };
        try {
          await Promise.all(Array.from({ length: 8 }, caller));
        } finally {
          client.close();
        }
        expect(new Set(answers)).toEqual(new Set(['answer']));
        expect(answers).toHaveLength(600);
        const connections = new Set(proxy.said().match(/"connection":\d+/g));
        expect(connections.size).toBeGreaterThanOrEqual(600 / 40);
      },
    ));

  describe('errors that nginx makes', () => {
    let chain: Awaited<ReturnType<typeof startChain>>;
    let client: GrpcClient;
    let origin = '';
    beforeAll(async () => {
      const port = await freePort();
      origin = `http://127.0.0.1:${port}`;
      chain = await startChain({
        maxBodyBytes: MAX_BODY_BYTES,
        grpc: { port, http2 },
        deadlineMs: 1,
        edit: (template) =>
          template.replace(
            'location / {',
            'location ~ ^/fails/(?<fails>429|500|503)$ { if ($fails = 429) { return 429; } if ($fails = 500) { return 500; } return 503; } location / {',
          ),
      });
      client = grpcClient(origin);
    });
    afterAll(async () => {
      client.close();
      await chain.stop();
    });
    const upstream = () => chain.upstreams[0]!;

    it.each([INFER, '/grpc.health.v1.Health/Check', '/other.Service/Method'])(
      'a body above the limit, to %s',
      async (path) => {
        expectError(await client.call(path, Buffer.alloc(MAX_BODY_BYTES + 1)), 'body_too_large');
      },
    );

    // HTTP/2 compresses headers, so nginx can't skip one: it ends the connection, and says why.
    it.each([
      ['a path', `/x.Y/${'z'.repeat(20_000)}`, {}],
      ['a header', INFER, { 'x-large': 'h'.repeat(40_000) }],
      [
        'all headers',
        INFER,
        Object.fromEntries(Array.from({ length: 9 }, (_, at) => [`x-${at}`, 'h'.repeat(8000)])),
      ],
    ])('%s above the limit: ENHANCE_YOUR_CALM, which clients know', async (_, path, headers) => {
      const other = grpcClient(origin);
      await expect(other.call(path, frame('x'), { headers })).rejects.toThrow(
        `code ${constants.NGHTTP2_ENHANCE_YOUR_CALM}`,
      );
      other.close();
    });

    it.each([
      [429, 'too_many_requests'],
      [500, 'internal_error'],
      [503, 'not_ready'],
    ] as const)('%i', async (status, code) => {
      expectError(await client.call(`/fails/${status}`, frame('x')), code);
    });

    it('a process that never answers', async () => {
      upstream().behaviour = hangs;
      expectError(await client.call(INFER, frame('x')), 'deadline_exceeded');
    });

    it("an answer of Node's own, which is no gRPC", async () => {
      upstream().behaviour = (answer) => {
        answer.writeHead(431, { 'content-type': 'application/problem+json' });
        answer.end('{}');
      };
      expectError(await client.call(INFER, frame('x')), 'headers_too_large');
    });

    it('a process that hangs up', async () => {
      upstream().behaviour = hangsUp;
      expectError(await client.call(INFER, frame('x')), 'not_ready');
    });

    it('no process at all', async () => {
      await upstream().stop();
      expectError(await client.call(INFER, frame('x')), 'not_ready');
      expectError(
        await client.call('/grpc.reflection.v1.ServerReflection/ServerReflectionInfo', frame('x')),
        'not_ready',
      );
      await upstream().restart();
    });
  });

  it('limits the rate of a client, but for health checks', () =>
    withGrpc({ rateLimit: 1 }, async (_, client) => {
      const calls = Array.from({ length: 10 }, () => client.call(INFER, frame('x')));
      const all = await Promise.all(calls);
      const refused = all.filter(({ status }) => status !== '0');
      expect(refused.length).toBeGreaterThan(5);
      for (const answer of refused) expectError(answer, 'too_many_requests');
      for (const path of ['/grpc.health.v1.Health/Check', '/inference.GRPCInferenceService/ServerReady'])
        for (let time = 0; time < 5; time++)
          expect(await client.call(path, frame(''))).toMatchObject({ status: '0' });
    }));

  it('sends a call whose process died to another one, to two processes at most', () =>
    withGrpc({ processes: 6 }, async (chain, client) => {
      let died = 0;
      for (const upstream of chain.upstreams)
        upstream.behaviour = () => {
          died++;
          for (const other of chain.upstreams) other.behaviour = grpcAnswers;
          void upstream.stop();
        };
      expect(await client.call(INFER, frame('x'))).toMatchObject({ http: 200, status: '0' });
      expect(died).toBe(1);
      for (const upstream of chain.upstreams) {
        await upstream.restart().catch(() => undefined);
        upstream.received.length = 0;
        upstream.dieOfNext();
      }
      expectError(await client.call(INFER, frame('x')), 'not_ready');
      expect(chain.upstreams.flatMap(({ received }) => received).length).toBeLessThanOrEqual(2);
    }));

  it('logs the status of a call, and each failed one whatever the sample', () =>
    withGrpc(
      { accessLog: 'stdout', accessLogSample: 0 },
      async ({ proxy, upstreams: [upstream] }, client) => {
        await client.call(INFER, frame('x'), { headers: { 'x-request-id': 'good' } });
        upstream!.behaviour = grpcRefuses;
        await client.call(INFER, frame('x'), { headers: { 'x-request-id': 'refused' } });
        await client.call(INFER, Buffer.alloc(MAX_BODY_BYTES + 1), { headers: { 'x-request-id': 'large' } });
        await proxy.says(/"requestId":"large".*"status":200.*"grpcStatus":"8"/);
        await proxy.says(/"requestId":"refused".*"status":200.*"grpcStatus":"3"/);
        expect(proxy.said()).not.toContain('"good"');
      },
    ));

  it('leaves the public port as it was', () =>
    withGrpc({}, async ({ proxy, upstreams: [upstream] }) => {
      upstream!.behaviour = answers;
      const request = 'POST /predict HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}';
      const answer = await rawRequest(proxy.port, request);
      expect([answer.status, answer.body]).toEqual([200, '{"predictions":[]}']);
      expect(answer.headers).not.toHaveProperty('trailer');
    }));

  it('shares the public port over TLS', () =>
    withTemporaryFolder(async (folder) => {
      const tls = { certificate: join(folder, 'cert.pem'), key: join(folder, 'key.pem') };
      makeCertificate(tls.certificate, tls.key, 'test');
      await withGrpc({ tls }, async (chain) => {
        const client = grpcClient(`https://127.0.0.1:${chain.proxy.port}`);
        try {
          expect(await client.call(INFER, frame('x'))).toMatchObject({ http: 200, status: '0' });
          expectError(await client.call(INFER, Buffer.alloc(MAX_BODY_BYTES + 1)), 'body_too_large');
        } finally {
          client.close();
        }
      });
    }));
});

it.skipIf(nginxMissing)(needsNginx('without gRPC the configuration has none of it'), () =>
  withChain({}, async ({ runtime }) => {
    expect(await readFile(join(runtime, 'nginx.conf'), 'utf8')).not.toMatch(
      /\$grpc|__grpc|http2|add_trailer/,
    );
  }),
);
