import { once } from 'node:events';
import type { RequestListener } from 'node:http';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, it } from 'vitest';
import { createContext } from './context.ts';
import type { Context } from './context.ts';
import { Failure } from '../../cli/faults.ts';
import { missingPrograms } from './programs.ts';
import { parseWrk, runWrk, writeLoad } from './wrk.ts';

const LINE =
  'servemodel-bench {"requests":1200,"microseconds":3000000,"p50":125,"p75":200,"p90":300,"p99":4000,"max":5000,' +
  '"connect":0,"read":1,"write":0,"timeout":2,"status":3}';

it('reads the line among what wrk prints', () => {
  expect(parseWrk(`Running 3s test\n  1 threads\n${LINE}\n`)).toEqual({
    requests: 1200,
    seconds: 3,
    latencyMs: { p50: 0.125, p75: 0.2, p90: 0.3, p99: 4, max: 5 },
    errors: { connect: 0, read: 1, write: 0, timeout: 2, status: 3 },
  });
  expect(parseWrk('unable to connect to 127.0.0.1:1 Connection refused\n')).toBeUndefined();
});

const missing = missingPrograms('wrk');

async function withServer<T>(
  answer: RequestListener,
  run: (context: Context, port: number) => Promise<T>,
): Promise<T> {
  const server = createServer(answer).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const context = await createContext(new AbortController().signal);
  try {
    return await run(context, (server.address() as AddressInfo).port);
  } finally {
    await context.cleanup.run();
    server.closeAllConnections();
    server.close();
  }
}

describe.skipIf(missing)(missing ? `wrk (${missing})` : 'wrk', () => {
  it('sends each body in turn, by POST and as JSON', async () => {
    const seen = new Set<string>();
    const result = await withServer(
      (request, response) => {
        let body = '';
        request.on('data', (chunk: Buffer) => (body += chunk.toString()));
        request.on('end', () => {
          seen.add([request.method, request.url, request.headers['content-type'], body].join(' '));
          response.end('{}');
        });
      },
      async (context, port) =>
        runWrk(
          context,
          { name: 'fake', port, path: '/predict' },
          { script: await writeLoad(context, ['{"a":1}', '{"b":2}']), connections: 2, seconds: 1 },
        ),
    );
    expect([...seen].sort()).toEqual([
      'POST /predict application/json {"a":1}',
      'POST /predict application/json {"b":2}',
    ]);
    expect(result.requests).toBeGreaterThan(0);
  });

  it.each<[string, RequestListener, RegExp]>([
    [
      'an error status',
      (_, response) => void response.writeHead(503).end(),
      /^fake, 1 connection: answered \d+ of \d+ requests with an error status$/,
    ],
    [
      'a connection that breaks',
      (request) => void request.socket.destroy(),
      /^fake, 1 connection: socket errors: /,
    ],
  ])('fails at %s', async (_, answer, message) => {
    const failed = withServer(answer, async (context, port) =>
      runWrk(
        context,
        { name: 'fake', port, path: '/' },
        { script: await writeLoad(context, ['{}']), connections: 1, seconds: 1 },
      ),
    );
    await expect(failed).rejects.toThrow(Failure);
    await expect(failed).rejects.toThrow(message);
  });

  it('fails when no server listens', async () => {
    await withServer(
      () => {},
      async (context) => {
        const script = await writeLoad(context, ['{}']);
        const target = { name: 'fake', port: 1, path: '/' };
        await expect(runWrk(context, target, { script, connections: 1, seconds: 1 })).rejects.toThrow(
          /^fake, 1 connection: wrk failed: unable to connect/,
        );
      },
    );
  });
});
