import { writeFile } from 'node:fs/promises';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { withTemporaryFolder } from '../../../../server/testing/temporaryFolder.ts';
import type { Order, Outcome } from './crowd.ts';
import { sendCrowd } from './crowd.ts';

/** Sends two bodies in turn to a server. */
async function crowd(
  answer: (body: string, response: ServerResponse, request: IncomingMessage) => void,
  changes: Partial<Order>,
): Promise<Outcome> {
  const server: Server = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk: Buffer) => (body += chunk.toString()));
    request.on('end', () => answer(body, response, request));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  try {
    return await withTemporaryFolder(async (folder) => {
      const bodies = join(folder, 'bodies.jsonl');
      await writeFile(bodies, '{"a":1}\n{"b":2}\n');
      const { port } = server.address() as AddressInfo;
      return await sendCrowd({
        ...{ host: '127.0.0.1', port, path: '/predict', bodies, connections: 4 },
        ...{ rate: 200, seconds: 0.5, graceSeconds: 5 },
        ...changes,
      });
    });
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

const BODY = 'half an answer';
const reply = (response: ServerResponse, status: number): void => {
  response.writeHead(status, { 'Content-Length': BODY.length });
  // In two pieces, the second one later.
  response.write(BODY.slice(0, 7));
  setImmediate(() => response.end(BODY.slice(7)));
};

it('sends at its rate, in turn, and counts answers by status', async () => {
  const bodies: string[] = [];
  const outcome = await crowd((body, response, { method, url }) => {
    bodies.push(`${method} ${url} ${body}`);
    reply(response, bodies.length % 4 === 0 ? 503 : 200);
  }, {});
  // On a busy machine some are dropped.
  expect(outcome.sent + outcome.unsent).toBe(100);
  expect(outcome.byStatus).toEqual({
    200: outcome.sent - Math.floor(outcome.sent / 4),
    503: Math.floor(outcome.sent / 4),
  });
  expect([outcome.unanswered, outcome.closed]).toEqual([0, 0]);
  expect(outcome.good.max).toBeGreaterThan(0);
  expect(new Set(bodies)).toEqual(new Set(['POST /predict {"a":1}', 'POST /predict {"b":2}']));
});

it('waits for no answer before the next request, and drops what no connection is free for', async () => {
  const outcome = await crowd(() => undefined, { graceSeconds: 0.1 });
  expect([outcome.sent, outcome.unanswered, outcome.byStatus]).toEqual([4, 4, {}]);
  expect(outcome.unsent).toBeGreaterThan(50);
});

it('sends the next request after each answer in a closed loop', async () => {
  let inside = 0;
  let most = 0;
  const outcome = await crowd(
    (_, response) => {
      most = Math.max(most, ++inside);
      response.on('close', () => inside--);
      reply(response, 200);
    },
    { rate: 0 },
  );
  expect(outcome.sent).toBeGreaterThan(4);
  expect(outcome.byStatus).toEqual({ 200: outcome.sent });
  expect(most).toBeLessThanOrEqual(4);
});

it('counts closed connections, and opens others', async () => {
  const outcome = await crowd((_, response) => response.destroy(), { connections: 1, graceSeconds: 0.1 });
  expect(outcome.sent).toBeGreaterThan(1);
  expect([outcome.unanswered, outcome.closed]).toEqual([outcome.sent, outcome.sent]);
});
