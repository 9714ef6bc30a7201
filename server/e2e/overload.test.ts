import { createHash } from 'node:crypto';
import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { rawRequest } from '../../proxy/testing/rawRequest.ts';
import { needsNginx, nginxMissing } from '../../proxy/testing/nginxMissing.ts';
import { Problem, problemBody } from '../errors/problem.ts';
import { fromHome } from '../platform/install.ts';
import { ADULT_ROW, adultBody } from '../testing/adult.ts';
import { scrapeAll } from '../testing/scrape.ts';
import type { Server } from '../testing/startServer.ts';
import { startServer } from '../testing/startServer.ts';
import { eventually } from '../testing/withDeadline.ts';

const KEY = 'k'.repeat(32);
/** A quarter of the requests that two processes may have at once. */
const LARGE_AT_ONCE = 256;
const REFUSALS = 50;
/** On a busy machine. */
const START_TIMEOUT_MS = 180_000;

describe.skipIf(nginxMissing)(needsNginx('a server with as many large bodies as it may have'), () => {
  let server: Server;
  const holders: ReturnType<typeof connect>[] = [];
  const post = (body: unknown, key = KEY): Promise<Response> =>
    fetch(`http://127.0.0.1:${server.port}/predict`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${key}` },
      body: JSON.stringify(body),
    });
  const large = `POST /predict HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${KEY}\r\nContent-Length: 60000\r\n\r\n`;

  beforeAll(async () => {
    const digest = createHash('sha256').update(KEY).digest('hex');
    server = await startServer({
      env: { WEB_CONCURRENCY: '2', MODEL_REPOSITORY: fromHome('models'), API_KEYS: `shop:${digest}` },
    });
    let refused = 0;
    // One of them is refused once the others are there.
    for (let index = 0; index <= LARGE_AT_ONCE; index++) {
      const holder = connect(server.port, '127.0.0.1');
      holder
        .on('error', () => undefined)
        .on('data', (answer) => {
          if (String(answer).startsWith('HTTP/1.1 503')) refused++;
        });
      holder.write(`${large}{`);
      holders.push(holder);
    }
    await eventually('a refusal', () => refused > 0, 60_000);
  }, START_TIMEOUT_MS);
  afterAll(async () => {
    for (const holder of holders) holder.destroy();
    await server.clean();
  });

  it('refuses another one in nginx, and counts it', async () => {
    const ownAnswers = async (): Promise<number> => {
      const metrics = await scrapeAll(server);
      return metrics.sum('nginx_http_requests_total') - metrics.sum('http_requests_total');
    };
    const before = await ownAnswers();
    for (let count = 0; count < REFUSALS; count++) {
      const { status, headers, body } = await rawRequest(server.port, large);
      const [id = ''] = headers['x-request-id'] ?? [];
      expect([status, body]).toEqual([503, problemBody(new Problem('overloaded'), id)]);
      expect(headers['retry-after']).toEqual(['1']);
    }
    expect((await ownAnswers()) - before).toBeGreaterThanOrEqual(REFUSALS);
  });

  it('answers small bodies, and those with a known key alone', async () => {
    expect((await post(adultBody(ADULT_ROW))).status).toBe(200);
    expect((await post(adultBody(ADULT_ROW), 'x'.repeat(32))).status).toBe(401);
  });
});
