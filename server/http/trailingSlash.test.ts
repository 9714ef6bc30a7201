import { Registry } from 'prom-client';
import { describe, expect, it } from 'vitest';
import { createHttpRecorder } from '../metrics/http.ts';
import type { Model } from '../model/model.ts';
import { loadAdult } from '../testing/adult.ts';
import { APP_CONFIG, appDeps } from '../testing/appDeps.ts';
import { createApp } from './app.ts';

/** Segments that stand for the parameters of patterns. */
const SEGMENTS: Readonly<Record<string, string>> = { model: 'adult', version: '1', target: 'adult' };
const METHODS = ['GET', 'POST', 'HEAD', 'OPTIONS', 'DELETE'];
/** Bodies that some routes answer, and all others refuse. */
const BODIES = ['{"instances":[]}', '{"columns":[],"data":[]}'];

async function serveAdult() {
  const adult = await loadAdult();
  const withRoute: Model = {
    ...adult,
    signature: { ...adult.signature, routes: ['/prediction'], answer: { key: 'y' } },
  };
  let counted: string[] = [];
  const http = {
    ...createHttpRecorder(new Registry()),
    ended: (_: string, route: string) => void counted.push(route),
  };
  const config = {
    ...APP_CONFIG,
    AIP_HEALTH_ROUTE: '/vertex/health',
    AIP_PREDICT_ROUTE: '/vertex/predict',
  };
  const app = createApp(
    appDeps([withRoute], {
      http,
      config,
      askDrift: () => Promise.resolve({ processes: [] } as never),
    }),
  );
  const routes = [...new Set(app.routes.map(({ path }) => path)), '/prediction'];
  /** The answer without what differs between two equal requests, and the routes that were counted. */
  const answer = async (method: string, path: string, body?: string): Promise<unknown> => {
    counted = [];
    const headers = {
      'x-request-id': 'one',
      ...(body !== undefined && { 'content-type': 'application/json' }),
    };
    const init = { method, headers, ...(body !== undefined && { body }) };
    const response = await app.request(path, init, {});
    response.headers.delete('server-timing');
    return {
      status: response.status,
      headers: Object.fromEntries(response.headers),
      text: await response.text(),
      counted,
    };
  };
  return { routes, answer };
}

const pathOf = (route: string): string =>
  route.replaceAll(/:(\w+)/g, (_, name: string) => SEGMENTS[name] ?? 'x');

describe('a path with a slash at its end', () => {
  it('answers as without it, by the same route, with any method and query', async () => {
    const { routes, answer } = await serveAdult();
    expect(routes.length).toBeGreaterThan(25);
    for (const route of routes.filter((one) => one !== '/')) {
      const path = pathOf(route);
      const expectSame = async (method: string, query: string, body?: string): Promise<void> => {
        const plain = await answer(method, `${path}${query}`, body);
        expect(await answer(method, `${path}/${query}`, body), `${method} ${path}/${query}`).toEqual(plain);
        expect(plain, `${method} ${path}${query}`).toMatchObject({ counted: [route] });
      };
      for (const method of METHODS) for (const query of ['', '?', '?a=b']) await expectSame(method, query);
      for (const body of BODIES) await expectSame('POST', '', body);
    }
  });

  it('is predicted, not redirected', async () => {
    const { answer } = await serveAdult();
    const body = '{"instances":[]}';
    for (const path of ['/v1/models/adult:predict/', '/invocations/', '/vertex/predict/'])
      expect([path, await answer('POST', path, body)]).toMatchObject([path, { status: 200 }]);
    expect(await answer('POST', '/prediction/', '[]')).toMatchObject({
      status: 200,
      counted: ['/prediction'],
    });
  });

  it('is another path with two slashes, or an encoded one', async () => {
    const { answer } = await serveAdult();
    for (const path of ['/predict//', '/predict%2F', '/predict%2f', '//', '/%2F', '/ping%2F', '//ping/'])
      expect([path, await answer('GET', path)]).toMatchObject([path, { status: 404, counted: ['none'] }]);
  });
});
