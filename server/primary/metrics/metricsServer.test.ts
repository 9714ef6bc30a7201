import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { pino } from 'pino';
import { describe, expect, it } from 'vitest';
import { createMetricsServer } from './metricsServer.ts';
import { withDeadline } from '../../testing/withDeadline.ts';

async function ask(
  path: string,
  init: RequestInit = {},
  expose = () => Promise.resolve('a 1\n'),
  lets?: () => boolean,
) {
  const logged: string[] = [];
  const server = createMetricsServer(
    expose,
    pino({ level: 'error' }, { write: (line) => logged.push(line) }),
    lets,
  );
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}${path}`;
  try {
    const response = await withDeadline('the answer', fetch(url, init));
    return { status: response.status, headers: response.headers, text: await response.text(), logged };
  } finally {
    server.close();
    server.closeAllConnections();
  }
}

describe('the metrics port', () => {
  it('answers GET /metrics with the exposition', async () => {
    for (const path of ['/metrics', '/metrics?x=1', '/metrics/', '/metrics/?x=1']) {
      const { status, headers, text } = await ask(path);
      expect([status, text]).toEqual([200, 'a 1\n']);
      expect(headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8');
    }
    expect(await ask('/metrics', { method: 'HEAD' })).toMatchObject({ status: 200, text: '' });
  });

  it('answers 404 and 405 to everything else', async () => {
    for (const path of ['/', '/metrics//', '/predict']) expect((await ask(path)).status).toBe(404);
    const post = await ask('/metrics', { method: 'POST' });
    expect([post.status, post.headers.get('allow')]).toEqual([405, 'GET, HEAD']);
  });

  it('sends nosniff with every answer', async () => {
    const refused = (): boolean => false;
    const fails = (): Promise<string> => Promise.reject(new Error('no counts'));
    const answers = [
      await ask('/metrics'),
      await ask('/'),
      await ask('/metrics', { method: 'POST' }),
      await ask('/metrics', {}, undefined, refused),
      await ask('/metrics', {}, fails),
    ];
    expect(answers.map(({ status, headers }) => [status, headers.get('x-content-type-options')])).toEqual(
      [200, 404, 405, 401, 503].map((status) => [status, 'nosniff']),
    );
  });

  it('answers 503 when a scrape fails, and logs why', async () => {
    const { status, text, logged } = await ask('/metrics', {}, () => Promise.reject(new Error('no counts')));
    expect([status, text]).toEqual([503, '']);
    expect(logged.join()).toContain('no counts');
  });
});
