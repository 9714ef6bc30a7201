import { Registry } from 'prom-client';
import { beforeAll, describe, expect, it } from 'vitest';
import { createApp } from './app.ts';
import { loadAdult } from '../testing/adult.ts';
import { APP_CONFIG, NO_EXPLANATIONS, appDeps } from '../testing/appDeps.ts';
import { createAuthorizer } from './middleware/authorize.ts';
import { createGate } from '../access/gate.ts';

const OPEN = [
  '/',
  '/apidocs',
  '/assets/:digest/:folder/:file',
  '/health',
  '/health/live',
  '/health/ready',
  '/ping',
  '/v2/health/live',
  '/v2/health/ready',
  '/vertex/health',
];

describe('a request without a key to a server with keys', () => {
  let app: ReturnType<typeof createApp>;
  beforeAll(async () => {
    const registry = new Registry();
    const authorize = createAuthorizer(createGate(), registry, '/vertex/health');
    const config = {
      ...APP_CONFIG,
      AIP_HEALTH_ROUTE: '/vertex/health',
      AIP_PREDICT_ROUTE: '/vertex/predict',
      AIP_EXPLAIN_ROUTE: '/vertex/explain',
    };
    app = createApp(
      appDeps([await loadAdult()], { registry, authorize, config, explanations: NO_EXPLANATIONS }),
    );
  });

  /** A path of the route. Any segment will do, since the request is refused before a lookup. */
  const pathOf = (route: string): string => route.replaceAll(/:\w+(?:\{[^}]*\})?/g, 'x');

  it('is refused at every route but health and pages, with any method', async () => {
    const routes = [...new Set(app.routes.map(({ path }) => path))];
    expect(routes.length).toBeGreaterThan(20);
    const open: string[] = [];
    for (const route of routes) {
      for (const method of ['GET', 'POST', 'DELETE', 'HEAD']) {
        for (const end of route === '/' ? [''] : ['', '/', '/?x']) {
          const { status } = await app.request(pathOf(route) + end, { method }, {});
          if (status !== 401) open.push(route);
        }
      }
    }
    expect([...new Set(open)].sort()).toEqual([...OPEN].sort());
  });

  it('is refused at an unknown path', async () => {
    const answer = await app.request('/nothing', {}, {});
    expect(answer.status).toBe(401);
    expect(answer.headers.get('www-authenticate')).toBe('Bearer realm="servemodel"');
    expect(await answer.json()).toMatchObject({ code: 'unauthorized', status: 401 });
  });
});
