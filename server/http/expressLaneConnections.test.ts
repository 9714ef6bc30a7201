import { once } from 'node:events';
import { join } from 'node:path';
import { Hono } from 'hono';
import { describe, expect, it } from 'vitest';
import { Problem } from '../errors/problem.ts';
import type { Inference } from '../inference/port.ts';
import { createPredictor } from '../prediction/predictor.ts';
import { ADULT_ROW, adultBody, loadAdult } from '../testing/adult.ts';
import { appDeps } from '../testing/appDeps.ts';
import type { Lane } from '../testing/lanes.ts';
import { counts, exchange, toBytes, withLanes, withoutTimes } from '../testing/lanes.ts';
import type { RawConnection } from '../testing/rawExchange.ts';
import { openRaw } from '../testing/rawExchange.ts';
import { withTemporaryFolder } from '../testing/temporaryFolder.ts';
import { eventually, withDeadline } from '../testing/withDeadline.ts';
import type { AppEnv } from './context.ts';
import { createExpressLane, takeFailure } from './expressLane.ts';
import { listen } from './listen.ts';

const body = adultBody(ADULT_ROW);

describe('a client that disconnects', () => {
  const inFlight = async ({ metrics }: Lane): Promise<string> =>
    /^http_requests_in_flight (\d+)$/m.exec(await metrics())?.[1] ?? '';
  const bothEnd = async (lanes: readonly Lane[]): Promise<void> => {
    for (const lane of lanes) {
      await eventually('the end of the request', async () => (await inFlight(lane)) === '0');
    }
    const [ours, theirs] = await Promise.all(lanes.map(async (lane) => counts(await lane.metrics())));
    expect(ours).toEqual(theirs);
  };
  const begin = async (lane: Lane, bytes: string): Promise<RawConnection> => {
    const connection = await openRaw(lane.socket);
    connection.write(bytes);
    await eventually('the request', async () => (await inFlight(lane)) === '1');
    return connection;
  };

  it('before its body has arrived is counted as the app counts it', () =>
    withLanes({}, async (...lanes) => {
      for (const lane of lanes) (await begin(lane, toBytes({ body }).slice(0, -5))).socket.destroy();
      await bothEnd(lanes);
      expect(lanes[0].passedOn).toEqual(['/predict']);
    }));

  it('while it waits for a place is counted as the app counts it, and leaves the place', () =>
    withLanes({ late: 'once' }, async (...lanes) => {
      for (const lane of lanes) (await begin(lane, toBytes({ body }))).socket.destroy();
      await bothEnd(lanes);
      expect(counts(await lanes[0].metrics())).toContain(
        'http_requests_total{method="POST",route="/predict",status="400"} 1',
      );
    }));

  it('while its row is scored changes nothing', async () => {
    let answer = (): void => undefined;
    const behaviour: Inference['predict'] = (_, { rows }) =>
      new Promise((resolve) => {
        answer = () => resolve({ answers: new Float64Array(rows * 3), queueSeconds: 0, runSeconds: 0 });
      });
    await withLanes({ behaviour }, async (...lanes) => {
      for (const lane of lanes) {
        const connection = await begin(lane, toBytes({ body }));
        await eventually('the prediction', () => lane.inference.calls.length === 1);
        const closed = once(connection.socket, 'close');
        connection.socket.destroy();
        await withDeadline('the disconnect', closed);
        answer();
      }
      await bothEnd(lanes);
    });
  });

  it('ends a long request', () => {
    const behaviour: Inference['predict'] = (_, __, { signal }) =>
      new Promise((_resolve, reject) => {
        signal?.addEventListener('abort', () => reject(new Problem('request_timeout')));
      });
    const long = adultBody(...Array.from({ length: 1024 }, () => ADULT_ROW));
    return withLanes({ behaviour }, async (...lanes) => {
      for (const lane of lanes) {
        const connection = await begin(lane, toBytes({ body: long }));
        await eventually('the prediction', () => lane.inference.calls.length === 1);
        connection.socket.destroy();
      }
      await bothEnd(lanes);
    });
  });
});

it('a request that is open while the server closes is the last one on its connection', () =>
  withLanes({}, async (express, long) => {
    const answers: ReturnType<typeof withoutTimes>[] = [];
    for (const lane of [express, long]) {
      const bytes = toBytes({ headers: { connection: undefined }, body });
      const connection = await openRaw(lane.socket);
      connection.write(bytes.slice(0, -5));
      await eventually('the request', async () => /^http_requests_in_flight 1$/m.test(await lane.metrics()));
      const closed = lane.close();
      connection.write(bytes.slice(-5));
      answers.push(withoutTimes(await connection.closed()));
      await closed;
    }
    expect(answers[0]).toEqual(answers[1]);
    expect(answers[0]?.head).toContain('connection: close');
    expect(express.passedOn).toEqual([]);
  }));

it('observers see the rows of the express lane', async () => {
  const seen: string[] = [];
  const onAnswered = [
    ({ id, rows }: { id: string; rows: { rows: number } }) => void seen.push(`${id} ${rows.rows}`),
  ];
  await withLanes({ onAnswered }, async (...lanes) => {
    for (const lane of lanes) await exchange(lane, { body });
  });
  expect(seen).toEqual(['the-id 1', 'the-id 1']);
});

it('requests that a client sends without waiting are answered in their order', () =>
  withLanes({}, async (express, long) => {
    const ids = Array.from({ length: 20 }, (_, at) => `id-${at}`);
    const answers: string[] = [];
    for (const lane of [express, long]) {
      const connection = await openRaw(lane.socket);
      const requests = ids.map((id, at) => {
        const last = at === ids.length - 1;
        return toBytes({ headers: { 'x-request-id': id, connection: last ? 'close' : undefined }, body });
      });
      connection.write(requests.join(''));
      const all = await connection.closed();
      expect([...all.matchAll(/^x-request-id: (.*)\r$/gm)].map(([, id]) => id)).toEqual(ids);
      answers.push(all.replaceAll(/dur=\d+\.\d{3}/g, '').replaceAll(/^(Date|content-length): .*\r\n/gim, ''));
    }
    expect(answers[0]).toBe(answers[1]);
    expect(express.passedOn).toEqual([]);
  }));

it.each<[string, unknown, 'lane' | 'app' | 'close']>([
  ['an answer', body, 'lane'],
  ['an error', { columns: [] }, 'app'],
  ['an error that the app answers without a route', { columns: [] }, 'close'],
])('%s leaves the concurrency limit once', (_, sent, settles) =>
  withTemporaryFolder(async (folder) => {
    const { catalogue, http, recorder, inference } = appDeps([await loadAdult()]);
    const calls: [string, number][] = [];
    const held: unknown[] = [];
    const app = new Hono<AppEnv>().all('*', (c) => {
      if (settles === 'app') held.push(takeFailure(c.env.incoming)?.held);
      return c.text('the app');
    });
    const expressLane = createExpressLane({
      catalogue,
      http,
      predictor: createPredictor({ inference, http, recorder, patienceMs: 1000 }),
      maxBodyBytes: 1000,
      limit: {
        enter: (bytes) => calls.push(['enter', bytes]) > 0,
        wait: (_bytes, end) => end(false),
        leave: (bytes) => void calls.push(['leave', bytes]),
      },
      authorize: undefined,
      formOf: () => 'native',
    });
    const socket = join(folder, 'test.sock');
    const listener = await listen(Object.assign(app, { expressLane }), { socket });
    const connection = await openRaw(socket);
    connection.write(toBytes({ body: sent }));
    await connection.closed();
    await withDeadline('the end of the listener', listener.close());
    const bytes = Buffer.byteLength(JSON.stringify(sent));
    expect(calls).toEqual(
      settles === 'app'
        ? [['enter', bytes]]
        : [
            ['enter', bytes],
            ['leave', bytes],
          ],
    );
    // The app's way leaves it instead.
    expect(held).toEqual(settles === 'app' ? [bytes] : []);
  }),
);
