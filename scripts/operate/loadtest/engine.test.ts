import { createServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import { describe, expect, it } from 'vitest';
import type { Received } from './testing/predictionServer.ts';
import { startPredictionServer } from './testing/predictionServer.ts';
import { measure as measureRows } from './testing/runLoadtest.ts';

/** With the golden rows, which are fewer and so read sooner. */
const measure = (argv: readonly string[]): ReturnType<typeof measureRows> =>
  measureRows([...argv, '--model', 'adult']);

const later = (ms: number, run: () => void): void => void setTimeout(run, ms).unref();

describe('open loop', () => {
  it('counts latency from when a request was due: a stall of 600 ms is seen by all that fall into it', async () => {
    let begin: number | undefined;
    await using server = await startPredictionServer(({ number, atMs, predict }) => {
      if (number > 0) begin ??= atMs;
      const since = begin === undefined ? 0 : performance.now() - begin;
      if (since >= 200 && since < 800) later(800 - since, predict);
      else predict();
    });
    // Two connections: all but two of the requests that fall into the stall can't even be sent.
    const { code, report } = await measure([
      server.url,
      '--rate',
      '100',
      '--duration',
      '1.5',
      '--connections',
      '2',
    ]);
    expect(code).toBe(0);
    // Nothing is left out, as it would be by a generator that waits with the server.
    expect(report.totals.ok).toBe(150);
    // Those due d ms before the end of the stall wait d ms: 30 of 150 more than 300 ms, 15 more than 450 ms.
    expect(report.latency.p90).toBeGreaterThan(400);
    expect(report.latency.p90).toBeLessThan(600);
    expect(report.latency.max).toBeGreaterThan(560);
    // The time from sending hides it: only the two that were on their way are slow.
    expect(report.service.p90).toBeLessThan(report.latency.p90 / 2);
  });

  it('adds nothing where nothing stalls: answers of 100 ms each have a median of 100 ms', async () => {
    await using server = await startPredictionServer(({ predict }) => later(100, predict));
    const { report } = await measure([server.url, '--rate', '50', '--duration', '1']);
    expect(report.latency.count).toBe(50);
    expect(report.latency.p50).toBeGreaterThanOrEqual(99);
    expect(report.latency.p50).toBeLessThan(150);
    expect(report.latency.min).toBeGreaterThanOrEqual(99);
  });

  it('spreads requests evenly instead of sending the share of a second at once', async () => {
    await using server = await startPredictionServer(({ predict }) => predict());
    await measure([server.url, '--rate', '200', '--duration', '1']);
    const times = server.received.slice(1).map(({ atMs }) => atMs);
    const firstHalf = times.filter((at) => at < (times[0] ?? 0) + 500).length;
    expect(times).toHaveLength(200);
    expect(firstHalf).toBeGreaterThan(70);
    expect(firstHalf).toBeLessThan(130);
  });

  it('gives up what waited longer than the timeout for a connection, and says so', async () => {
    await using server = await startPredictionServer(({ number, predict }) => {
      if (number === 0) predict();
    });
    const { code, report } = await measure([
      server.url,
      '--rate',
      '50',
      '--duration',
      '0.5',
      '--connections',
      '1',
      '--timeout',
      '0.2',
    ]);
    expect(code).toBe(1);
    expect(report.totals.requests).toBe(25);
    expect(report.failures.bySocket['timeout']).toBeGreaterThan(0);
    expect(report.failures.bySocket['unsent']).toBeGreaterThan(0);
    // They count with the time that they waited: leaving them out would flatter the percentiles.
    expect(report.latency.count).toBe(25);
    expect(report.warnings.join()).toContain('never sent');
  });
});

describe('closed loop', () => {
  it('keeps as many requests in flight as there are connections', async () => {
    let inFlight = 0;
    let most = 0;
    await using server = await startPredictionServer(({ number, predict }) => {
      if (number === 0) return predict();
      most = Math.max(most, (inFlight += 1));
      later(5, () => {
        inFlight -= 1;
        predict();
      });
    });
    const { report, code } = await measure([server.url, '--amount', '60', '--connections', '6']);
    expect(code).toBe(0);
    expect(report.totals.ok).toBe(60);
    expect(server.received).toHaveLength(61);
    expect(most).toBe(6);
  });

  it('reuses no connection that the server said it would close', async () => {
    await using server = await startPredictionServer(({ answer, predict }) => {
      answer.setHeader('connection', 'close');
      predict();
    });
    const { code, report } = await measure([server.url, '--amount', '20', '--connections', '2']);
    expect(report.failures.bySocket).toEqual({});
    expect([code, report.totals.ok]).toEqual([0, 20]);
  });

  it('takes no answer for the answer to a request that was lost before', async () => {
    const label = ({ number }: Received): string => (number % 2 === 0 ? 'even' : 'odd');
    await using server = await startPredictionServer((received) => {
      if (received.number % 10 === 5) received.request.socket.end();
      else later(20, () => received.predict(label(received)));
    });
    const { report } = await measure([server.url, '--amount', '40', '--connections', '1']);
    expect(report.failures.bySocket).toEqual({ closed: 4 });
    expect(report.totals.ok).toBe(36);
    expect(report.latency.p50).toBeLessThan(38);
  });

  it.each([
    ['closed', (socket: Socket) => socket.end('HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\n{"predi')],
    ['ECONNRESET', (socket: Socket) => socket.resetAndDestroy()],
  ])('reports a lost answer: %s', async (fault, lose) => {
    await using server = await startPredictionServer(({ number, request, predict }) => {
      if (number % 4 === 3) lose(request.socket);
      else predict();
    });
    const { code, report } = await measure([server.url, '--amount', '20', '--connections', '2']);
    expect(code).toBe(1);
    expect(report.failures.bySocket).toEqual({ [fault]: 5 });
    expect(report.totals).toMatchObject({ requests: 20, ok: 15, failed: 5 });
  });

  it('reports a server that goes away, without trying it thousands of times', async () => {
    const answer = '{"predictions":["yes"]}';
    const sockets = new Set<Socket>();
    let answered = 0;
    const server = createServer((socket) => {
      sockets.add(socket);
      socket.on('error', () => undefined);
      socket.on('data', (bytes) => {
        if (!bytes.toString().includes('"data"')) return;
        answered += 1;
        if (answered < 10) {
          socket.write(`HTTP/1.1 200 OK\r\ncontent-length: ${answer.length}\r\n\r\n${answer}`);
          return;
        }
        server.close();
        for (const each of sockets) each.resetAndDestroy();
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    const { code, report } = await measure([`127.0.0.1:${port}`, '--duration', '1', '--connections', '2']);
    expect(code).toBe(1);
    expect(report.failures.bySocket['ECONNRESET']).toBeGreaterThan(0);
    expect(report.failures.connects['ECONNREFUSED']).toBeGreaterThan(0);
    expect(report.failures.connects['ECONNREFUSED']).toBeLessThan(50);
  });
});
