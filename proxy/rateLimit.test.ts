import { connect } from 'node:net';
import { describe, expect, it } from 'vitest';
import { Problem, problemBody, RETRY_AFTER_SECONDS } from '../server/errors/problem.ts';
import { eventually } from '../server/testing/withDeadline.ts';
import { needsNginx, nginxMissing } from './testing/nginxMissing.ts';
import { type RawAnswer, rawRequest } from './testing/rawRequest.ts';
import { checkProxy, makeRuntime, settingsFor } from './testing/startProxy.ts';
import { type Chain, withChain } from './testing/withChain.ts';

const MANY = 20;

/** Sends requests one after the other. `mostAccepted`: the number that a limit of one a second (and one at once) may accept. */
async function ask(
  { proxy }: Chain,
  target: string,
  forwardedFor: (index: number) => string = () => '',
): Promise<{ answers: RawAnswer[]; refused: RawAnswer[]; mostAccepted: number }> {
  const start = performance.now();
  const answers: RawAnswer[] = [];
  for (let index = 0; index < MANY; index++) {
    const header = forwardedFor(index) && `X-Forwarded-For: ${forwardedFor(index)}\r\n`;
    answers.push(await rawRequest(proxy.port, `GET ${target} HTTP/1.1\r\nHost: x\r\n${header}\r\n`));
  }
  return {
    answers,
    refused: answers.filter(({ status }) => status === 429),
    mostAccepted: 2 + Math.ceil((performance.now() - start) / 1000),
  };
}

describe.skipIf(nginxMissing)(needsNginx('a limit of requests a second'), () => {
  it('refuses requests of one client beyond it, with a problem', () =>
    withChain({ rateLimit: 1 }, async (chain) => {
      const { answers, refused, mostAccepted } = await ask(chain, '/predict');
      expect(answers[0]?.status).toBe(200);
      expect(MANY - refused.length).toBeLessThanOrEqual(mostAccepted);
      expect(chain.upstreams[0]?.received).toHaveLength(MANY - refused.length);
      for (const { headers, body } of refused) {
        const [id = ''] = headers['x-request-id'] ?? [];
        expect(body).toBe(problemBody(new Problem('too_many_requests'), id));
        expect(headers['retry-after']).toEqual([String(RETRY_AFTER_SECONDS)]);
      }
      // Refusals must not fill the log.
      expect(chain.proxy.said()).toBe('');
    }));

  it('refuses before the body arrives', () =>
    withChain({ rateLimit: 1 }, async (chain) => {
      await ask(chain, '/');
      const head = 'POST /predict HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n';
      // A place may have become free meanwhile.
      const statuses: number[] = [];
      for (let index = 0; index < 3 && !statuses.includes(429); index++)
        statuses.push(
          await rawRequest(chain.proxy.port, `${head}{`).then(
            ({ status }) => status,
            () => 0,
          ),
        );
      expect(statuses).toContain(429);
    }));

  it.each([
    '/health/live',
    '/health/ready/?x',
    '/health',
    '/ping/',
    '/v2/health/ready',
    '/vertex/health.1',
    '/vertex/health.1/',
  ])('never applies to %s', (path) =>
    withChain({ rateLimit: 1, healthPath: '/vertex/health.1' }, async (chain) => {
      expect((await ask(chain, path)).refused).toEqual([]);
    }),
  );

  it.each([
    '/health/live//',
    '/ping%2F',
    '/predict/../ping',
    '/%70ing',
    '/vertex/health-1',
    '/predict?/ping',
    '//ping',
  ])('applies to %s, which is no health check', (path) =>
    withChain({ rateLimit: 1, healthPath: '/vertex/health.1' }, async (chain) => {
      const { refused, mostAccepted } = await ask(chain, path);
      expect(MANY - refused.length).toBeLessThanOrEqual(mostAccepted);
    }),
  );

  it('is off by default', () =>
    withChain({}, async (chain) => {
      expect((await ask(chain, '/')).refused).toEqual([]);
    }));
});

describe.skipIf(nginxMissing)(needsNginx('slow bodies of one client'), () => {
  const HEAD = 'POST /predict HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n';
  const withSlowBodies = async (
    options: { rateLimit?: number },
    run: (chain: Chain) => Promise<void>,
  ): Promise<void> =>
    withChain(options, async (chain) => {
      const clients = Array.from({ length: 256 }, () => connect(chain.proxy.port, '127.0.0.1'));
      try {
        for (const client of clients) client.on('error', () => undefined).write(`${HEAD}{`);
        await run(chain);
      } finally {
        for (const client of clients) client.destroy();
      }
    });

  it('are refused beyond a quarter of the limit for all, and other clients are served', () =>
    withSlowBodies({ rateLimit: 1_000_000 }, async ({ proxy }) => {
      const ask = (from: string, head = HEAD): Promise<RawAnswer> =>
        rawRequest(proxy.port, `${head}{}`, { localAddress: from });
      const refusal = await eventually('a refusal', async () => {
        const answer = await ask('127.0.0.1');
        return answer.status === 503 && answer;
      });
      const [id = ''] = refusal.headers['x-request-id'] ?? [];
      expect(refusal.body).toBe(problemBody(new Problem('overloaded'), id));
      expect((await ask('127.0.0.2')).status).toBe(200);
      expect((await ask('127.0.0.1', HEAD.replace('/predict', '/ping'))).status).toBe(200);
      expect(proxy.said()).toBe('');
    }));

  it('count only toward the limit for all if clients are not limited', () =>
    withSlowBodies({}, async ({ proxy }) => {
      // Once the last of these is answered, nginx has seen all of those.
      for (let count = 0; count < 20; count++)
        expect((await rawRequest(proxy.port, `${HEAD}{}`)).status).toBe(200);
    }));
});

describe.skipIf(nginxMissing)(needsNginx("a client's address"), () => {
  it('is taken from a trusted proxy, and never from a client', () =>
    withChain({ rateLimit: 1, trustedProxies: ['127.0.0.0/8', '10.0.0.1'] }, async (chain) => {
      expect((await ask(chain, '/', (index) => `192.0.2.${index}`)).refused).toEqual([]);
      // Entries before the first address that no trusted proxy added are the client's own.
      const forged = await ask(chain, '/', (index) => `192.0.2.${index}, 198.51.100.7, 10.0.0.1`);
      expect(MANY - forged.refused.length).toBeLessThanOrEqual(forged.mostAccepted);
    }));

  it('is that of its connection if no proxy is trusted', () =>
    withChain({ rateLimit: 1 }, async (chain) => {
      const { refused, mostAccepted } = await ask(chain, '/', (index) => `192.0.2.${index}`);
      expect(MANY - refused.length).toBeLessThanOrEqual(mostAccepted);
    }));

  it('is in the access log', () =>
    withChain({ accessLog: 'stdout', trustedProxies: ['127.0.0.1'] }, async ({ proxy }) => {
      await rawRequest(proxy.port, 'GET / HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: 2001:db8::7\r\n\r\n');
      await proxy.says(/"client":"2001:db8::7"/);
    }));

  it('may be in any network that nginx accepts', async () => {
    const runtime = await makeRuntime();
    try {
      const trustedProxies = ['10.0.0.0/8', '::1', '2001:db8::/32', '192.0.2.1/32'];
      const { status, said } = await checkProxy(
        settingsFor(runtime.path, { trustedProxies, rateLimit: 1_000_000 }),
      );
      expect([status, said]).toEqual([0, expect.stringContaining('test is successful') as string]);
    } finally {
      await runtime.remove();
    }
  });
});
