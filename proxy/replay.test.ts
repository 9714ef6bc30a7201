import { describe, expect, it } from 'vitest';
import { needsNginx, nginxMissing } from './testing/nginxMissing.ts';
import { type RawAnswer, rawRequest } from './testing/rawRequest.ts';
import { answers, hangsUp, type Received, type Upstream } from './testing/startUpstream.ts';
import { type Chain, withChain } from './testing/withChain.ts';
import { deadline } from '../server/platform/deadline.ts';

const BODY = '{"columns":["a"],"data":[[1]]}';

const predict = (method = 'POST', body = BODY, path = '/predict'): string =>
  `${method} ${path} HTTP/1.1\r\nHost: x\r\nContent-Length: ${body.length}\r\n\r\n${body}`;

const receivedBy = ({ upstreams }: Chain): Received[] => upstreams.flatMap(({ received }) => received);

/** Leaves a kept connection to every process: nginx doesn't count failures on those as tries. */
async function warm(chain: Chain): Promise<void> {
  const held: (() => void)[] = [];
  const allHeld = new Promise<void>((resolve) => {
    for (const upstream of chain.upstreams) {
      upstream.behaviour = (answer, request) => {
        held.push(() => answers(answer, request));
        if (held.length === chain.upstreams.length) resolve();
      };
    }
  });
  const requests = chain.upstreams.map(() => rawRequest(chain.proxy.port, predict()));
  await allHeld;
  for (const release of held) release();
  await Promise.all(requests);
  for (const upstream of chain.upstreams) {
    expect(upstream.received).toHaveLength(1);
    upstream.received.length = 0;
  }
}

describe.skipIf(nginxMissing)(needsNginx('the replay of a request'), () => {
  it.each(['POST', 'GET', 'PUT', 'G-T'])(
    'sends a %s whose process died to another one, with the same body',
    (method) =>
      withChain({ processes: 2, workers: 2, maxBodyBytes: 4 * 1024 * 1024 }, async (chain) => {
        for (const upstream of chain.upstreams) {
          upstream.behaviour = () => {
            for (const other of chain.upstreams) other.behaviour = answers;
            void upstream.stop();
          };
        }
        // Above client_body_buffer_size: the replayed copy is on disk.
        const body = 'x'.repeat(1024 * 1024 + 1);
        const { status } = await rawRequest(chain.proxy.port, predict(method, body));
        expect(status).toBe(200);
        expect(chain.upstreams.map(({ received }) => received.length)).toEqual([1, 1]);
        for (const request of receivedBy(chain)) expect(request.body).toBe(body);
        const [first, second] = receivedBy(chain);
        expect(second!.headers).toEqual(first!.headers);
      }),
  );

  it.each([
    ['POST', 2],
    ['GET', 4],
    ['FOO', 4],
    ['TRACE', 2],
  ])('ends where a %s has killed at most %i of six processes', (method, most) =>
    withChain({ processes: 6 }, async (chain) => {
      await warm(chain);
      for (const upstream of chain.upstreams) upstream.dieOfNext();
      const { status } = await rawRequest(chain.proxy.port, predict(method));
      expect(status).toBe(503);
      expect(receivedBy(chain).length).toBeGreaterThanOrEqual(2);
      expect(receivedBy(chain).length).toBeLessThanOrEqual(most);
    }),
  );

  it('finds the only process of five that listens', () =>
    withChain({ processes: 5 }, async (chain) => {
      await warm(chain);
      const [last, ...others] = chain.upstreams;
      last!.behaviour = answers;
      await Promise.all(others.map((upstream) => upstream.stop()));
      for (let round = 0; round < 10; round += 1) {
        expect((await rawRequest(chain.proxy.port, predict())).status).toBe(200);
      }
    }));

  describe.each(['/predict', '/predict_file'])('of a POST %s, at a process that is closing down', (path) => {
    const ask = async ({ proxy }: Chain): Promise<number> =>
      (await rawRequest(proxy.port, predict('POST', BODY, path))).status;

    it('is tried a third time if the first two reached the same process', () =>
      withChain({ processes: 1 }, async (chain) => {
        chain.upstreams[0]!.behaviour = hangsUp;
        expect(await ask(chain)).toBe(503);
        expect(receivedBy(chain)).toHaveLength(3);
      }));

    it('is tried once more if the first attempt found only disabled processes', () =>
      withChain({ processes: 2 }, async (chain) => {
        const [closing, gone] = chain.upstreams as [Upstream, Upstream];
        await gone.stop();
        closing.behaviour = hangsUp;
        // Disables both for a second.
        expect([await ask(chain), await ask(chain)]).toEqual([503, 503]);
        const before = closing.received.length;
        closing.behaviour = (answer, request) =>
          closing.received.length < before + 3 ? hangsUp(answer, request) : answers(answer, request);
        expect(await ask(chain)).toBe(200);
      }));
  });

  it.each(['POST', 'GET'])('loses no %s while processes are killed under load', (method) =>
    withChain({ processes: 3, workers: 2 }, async (chain) => {
      let answered = 0;
      const failures: number[] = [];
      const load = new AbortController();
      const clients = Array.from({ length: 24 }, async () => {
        while (!load.signal.aborted) {
          const { status } = await rawRequest(chain.proxy.port, predict(method));
          if (status === 200) answered += 1;
          else failures.push(status);
        }
      });
      const reached = async (goal: number): Promise<void> => {
        while (answered < goal && !load.signal.aborted) await new Promise((resolve) => setImmediate(resolve));
      };
      try {
        for (let kill = 0; kill < 12; kill += 1) {
          const upstream = chain.upstreams[kill % 3]!;
          await deadline(reached(answered + 100), 10_000, 'answers from three processes');
          await upstream.stop();
          await deadline(reached(answered + 100), 10_000, 'answers from two processes');
          await upstream.restart();
        }
      } finally {
        load.abort();
        await Promise.all(clients);
      }
      expect(failures).toEqual([]);
    }),
  );

  it('loses nothing when a process closes its idle connections', () =>
    withChain({ processes: 2 }, async (chain) => {
      for (let round = 0; round < 20; round += 1) {
        const asked = rawRequest(chain.proxy.port, predict());
        for (const upstream of chain.upstreams) upstream.closeIdle();
        expect((await asked).status).toBe(200);
      }
    }));

  it.each([500, 502, 503, 504])('does not happen for an answer of the app: %i', (status) =>
    withChain({ processes: 2 }, async (chain) => {
      for (const upstream of chain.upstreams) upstream.behaviour = (answer) => answer.writeHead(status).end();
      for (const method of ['GET', 'POST']) {
        expect((await rawRequest(chain.proxy.port, predict(method))).status).toBe(status);
      }
      expect(receivedBy(chain)).toHaveLength(2);
    }),
  );
});

describe.skipIf(nginxMissing)(needsNginx('the balance'), () => {
  it('balances by requests: a busy process gets no more while another is idle', () =>
    withChain({ processes: 2, workers: 2 }, async (chain) => {
      let release = (): void => undefined;
      const held = new Promise<void>((resolve) => {
        for (const upstream of chain.upstreams) {
          upstream.behaviour = (answer, request) => {
            release = () => answers(answer, request);
            for (const other of chain.upstreams) other.behaviour = answers;
            resolve();
          };
        }
      });
      const slow: Promise<RawAnswer> = rawRequest(chain.proxy.port, predict());
      await held;
      for (let round = 0; round < 10; round += 1) await rawRequest(chain.proxy.port, predict());
      release();
      expect((await slow).status).toBe(200);
      expect(chain.upstreams.map(({ received }) => received.length).sort((a, b) => a - b)).toEqual([1, 10]);
    }));

  it('keeps connections to the processes', () =>
    withChain({}, async ({ proxy, upstreams }) => {
      for (let round = 0; round < 10; round += 1) await rawRequest(proxy.port, predict());
      expect(upstreams[0]!.connections()).toBe(1);
    }));
});
