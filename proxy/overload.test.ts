import { once } from 'node:events';
import type { Socket } from 'node:net';
import { connect } from 'node:net';
import { describe, expect, it } from 'vitest';
import { Problem, problemBody, RETRY_AFTER_SECONDS } from '../server/errors/problem.ts';
import { eventually, withDeadline } from '../server/testing/withDeadline.ts';
import { needsNginx, nginxMissing } from './testing/nginxMissing.ts';
import { rawRequest } from './testing/rawRequest.ts';
import { type Chain, withChain } from './testing/withChain.ts';

/** A quarter of the requests that two processes may have at a time. */
const LARGE_AT_ONCE = 256;
const LARGE_BYTES = 50_000;

const head = (length: number): string =>
  `POST /predict HTTP/1.1\r\nHost: x\r\nContent-Length: ${length}\r\n\r\n`;
const CHUNKED = 'POST /predict HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n';

/** Runs while as many large bodies as may be are on their way. */
const withLargeBodies = (
  begin: string,
  run: (chain: Chain) => Promise<void>,
  options: Parameters<typeof withChain>[0] = {},
): Promise<void> =>
  withChain(options, async (chain) => {
    // One of them is refused once the others are there.
    const clients = Array.from({ length: LARGE_AT_ONCE + 1 }, () => connect(chain.proxy.port, '127.0.0.1'));
    let refused = 0;
    try {
      for (const client of clients) {
        client
          .on('error', () => undefined)
          .on('data', (answer) => {
            if (String(answer).startsWith('HTTP/1.1 503')) refused++;
          });
        client.write(begin);
      }
      await eventually('a refusal', () => refused > 0, 30_000);
      await run(chain);
    } finally {
      for (const client of clients) client.destroy();
    }
  });

/** Resolves with all that came once it matches. */
async function reads(client: Socket, pattern: RegExp): Promise<string> {
  let all = '';
  while (!pattern.test(all)) {
    const [chunk] = (await withDeadline(`an answer like ${pattern.source}`, once(client, 'data'))) as [
      Buffer,
    ];
    all += chunk.toString('latin1');
  }
  return all;
}

describe.skipIf(nginxMissing)(needsNginx('large bodies beyond a quarter of all requests'), () => {
  it.each([
    ['of a known length', `${head(LARGE_BYTES)}{`],
    ['in chunks', `${CHUNKED}1\r\n{\r\n`],
  ])('%s are refused before they arrive, and small ones are answered', (_, begin) =>
    withLargeBodies(begin, async ({ proxy, upstreams }) => {
      for (const refused of [head(LARGE_BYTES), head(1_000_000), CHUNKED]) {
        const { status, headers, body } = await rawRequest(proxy.port, refused);
        const [id = ''] = headers['x-request-id'] ?? [];
        expect([status, body]).toEqual([503, problemBody(new Problem('overloaded'), id)]);
        expect(headers['retry-after']).toEqual([String(RETRY_AFTER_SECONDS)]);
      }
      const small = [
        `${head(2)}{}`,
        head(LARGE_BYTES - 1) + ' '.repeat(LARGE_BYTES - 1),
        'GET / HTTP/1.1\r\nHost: x\r\n\r\n',
        'GET /health/live HTTP/1.1\r\nHost: x\r\n\r\n',
      ];
      for (const request of small) expect((await rawRequest(proxy.port, request)).status).toBe(200);
      expect(upstreams[0]?.received).toHaveLength(small.length);
      expect(proxy.said()).toBe('');
    }),
  );

  it('keep their connection, which answers the next request', () =>
    withLargeBodies(`${head(LARGE_BYTES)}{`, async ({ proxy }) => {
      const client = connect(proxy.port, '127.0.0.1');
      try {
        client.write(head(LARGE_BYTES) + ' '.repeat(LARGE_BYTES));
        expect(await reads(client, /"overloaded"/)).toMatch(/^connection: keep-alive\r$/im);
        client.write(`${head(2)}{}`);
        expect(await reads(client, /\r\n\r\n/)).toMatch(/^HTTP\/1.1 200 /);
      } finally {
        client.destroy();
      }
    }));

  it('are not logged one by one', () =>
    withLargeBodies(
      `${head(LARGE_BYTES)}{`,
      async ({ proxy }) => {
        for (let count = 0; count < 100; count++)
          expect((await rawRequest(proxy.port, head(LARGE_BYTES))).status).toBe(503);
        // Lines come in order.
        await rawRequest(proxy.port, 'GET /last HTTP/1.1\r\nHost: x\r\n\r\n');
        await proxy.says(/"path":"\/last"/);
        // One in a hundred; twenty are as likely as no accident at all.
        expect(proxy.said().match(/"status":503/g)?.length ?? 0).toBeLessThan(20);
      },
      { accessLog: 'stdout' },
    ));
});
