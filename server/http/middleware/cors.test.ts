import { Hono } from 'hono';
import { pino } from 'pino';
import { Registry } from 'prom-client';
import { describe, expect, it } from 'vitest';
import { Problem } from '../../errors/problem.ts';
import { createHttpRecorder } from '../../metrics/http.ts';
import { createRouter } from '../router.ts';
import { createCors } from './cors.ts';
import type { AppEnv } from '../context.ts';
import { createServe } from './serve.ts';

const NO_LIMIT = { enter: () => true, wait: () => undefined, leave: () => undefined };

const OURS = 'https://ours.example';
const EXPOSED = 'access-control-expose-headers';

/** An app with two routes, one of which always fails. */
function appWith(origins: string): (path: string, init: RequestInit) => Promise<Response> {
  const app = new Hono<AppEnv>();
  const cors = createCors(origins.split(','));
  const serve = cors.wrapServe(
    createServe(createHttpRecorder(new Registry()), pino({ level: 'silent' }), { limit: NO_LIMIT }),
  );
  const defineRoute = createRouter(app, serve, cors.preflight);
  defineRoute('/both', { GET: () => new Response('got'), POST: () => new Response('posted') });
  defineRoute('/fails', {
    GET: () => {
      throw new Problem('overloaded');
    },
  });
  return async (path, init) => app.request(path, init, {});
}

const from = (origin: string, more: Record<string, string> = {}): RequestInit => ({
  headers: { origin, ...more },
});
const allowed = ({ headers }: Response): string | null => headers.get('access-control-allow-origin');

describe('listed origins', () => {
  const request = appWith(`${OURS},http://localhost:8080`);

  it.each([OURS, 'http://localhost:8080'])('allow %s', async (origin) => {
    const answer = await request('/both', from(origin));
    expect([answer.status, allowed(answer), answer.headers.get('vary')]).toEqual([200, origin, 'origin']);
    expect(answer.headers.get(EXPOSED)).toMatch(/x-request-id, x-model, server-timing, retry-after/);
  });

  it.each(['https://other.example', 'http://ours.example', `${OURS}:8443`, 'null'])(
    'does not let in %s, which still gets its answer',
    async (origin) => {
      const answer = await request('/both', from(origin));
      expect([answer.status, allowed(answer), answer.headers.get('vary')]).toEqual([200, null, 'origin']);
    },
  );

  it('add nothing to an answer without Origin', async () => {
    const { headers } = await request('/both', {});
    expect([...headers.keys()].filter((name) => /^access|^vary/.test(name))).toEqual([]);
  });

  it('let a page read errors, too', async () => {
    const answer = await request('/fails', from(OURS));
    expect([answer.status, allowed(answer)]).toEqual([503, OURS]);
    expect(answer.headers.get('retry-after')).toBe('1');
  });

  it('answer a preflight with the methods of the route', async () => {
    const preflight = from(OURS, { 'access-control-request-method': 'POST' });
    const answer = await request('/both', { method: 'OPTIONS', ...preflight });
    expect([answer.status, allowed(answer), await answer.text()]).toEqual([204, OURS, '']);
    expect(answer.headers.get('access-control-allow-methods')).toBe('GET, HEAD, POST');
    expect(answer.headers.get('access-control-allow-headers')).toBe('*, authorization');
    expect(answer.headers.get('access-control-max-age')).toBe('600');
  });

  it('answer OPTIONS that is no preflight with 405', async () => {
    for (const init of [{}, from(OURS)]) {
      expect((await request('/both', { method: 'OPTIONS', ...init })).status).toBe(405);
    }
    const strange = from(OURS, { 'access-control-request-method': 'POST' });
    expect((await request('/both', { method: 'DELETE', ...strange })).status).toBe(405);
  });
});

it('* allows all origins, without Vary', async () => {
  const answer = await appWith('*')('/both', from('https://other.example'));
  expect([allowed(answer), answer.headers.get('vary')]).toEqual(['*', null]);
});
