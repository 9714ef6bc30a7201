import type { Hono } from 'hono';
import { describe, expect, it } from 'vitest';
import { createApp } from '../http/app.ts';
import { ConfigError, parseConfig } from './settings.ts';
import type { AppEnv } from '../http/context.ts';
import type { VertexSettings } from '../http/routes/protocols.ts';
import { APP_CONFIG, NO_EXPLANATIONS, appDeps } from '../testing/appDeps.ts';
import { tinyModel } from '../testing/tinyModel.ts';

const model = tinyModel();

function makeApp(vertex: VertexSettings = {}): Hono<AppEnv> {
  return createApp(appDeps([model], { config: { ...APP_CONFIG, ...vertex }, explanations: NO_EXPLANATIONS }));
}

/** The paths of an app, with a name in the place of each parameter. */
function builtInPaths(): string[] {
  const app = makeApp();
  return app.routes.map(({ path }) => path.replace(/:\w+(\{[^}]*\})?/g, 'x').replace(/\*$/, 'x'));
}

function faults(env: Record<string, string>): readonly string[] {
  try {
    parseConfig(env);
  } catch (error) {
    if (error instanceof ConfigError) return error.faults;
    throw error;
  }
  return [];
}

describe("Vertex AI's routes", () => {
  it('are refused where the server has a built-in route', () => {
    const paths = builtInPaths();
    expect(paths.length).toBeGreaterThan(15);
    for (const path of paths) {
      for (const name of ['AIP_PREDICT_ROUTE', 'AIP_EXPLAIN_ROUTE'])
        expect(faults({ [name]: path }), path).toEqual([
          expect.stringMatching(new RegExp(`^${name} must be a path that no other route has`)),
        ]);
    }
  });

  it('may be built-in routes with the same answers', () => {
    for (const path of ['/ping', '/health', '/health/ready', '/health/live', '/v2/health/ready']) {
      expect(builtInPaths()).toContain(path);
      expect(faults({ AIP_HEALTH_ROUTE: path })).toEqual([]);
    }
    expect(faults({ AIP_PREDICT_ROUTE: '/v1/models/adult:predict' })).toEqual([]);
  });

  it.each([
    '/vertex',
    '/a/b.c/d~e',
    '/v1/endpoints/1/deployedModels/2',
    '/v1/endpoints/1/deployedModels/2:predict',
  ])('may be %s', (path) => {
    expect(faults({ AIP_HEALTH_ROUTE: path })).toEqual([]);
    expect(faults({ AIP_PREDICT_ROUTE: path })).toEqual([]);
    expect(faults({ AIP_EXPLAIN_ROUTE: path })).toEqual([]);
  });

  it.each([
    'x',
    '/',
    '//',
    '/a/',
    '/a//b',
    '/:x',
    '/a/:x',
    '/*',
    '/a*',
    '/a{b}',
    '/a?b',
    '/a b',
    '/é',
    '/predict:x',
    '/models/x',
  ])('may not be %s', (path) => {
    expect(faults({ AIP_HEALTH_ROUTE: path })).toHaveLength(1);
    expect(faults({ AIP_PREDICT_ROUTE: path })).toHaveLength(1);
  });

  it('differ from each other, and the port is theirs unless PORT is set', () => {
    expect(faults({ AIP_HEALTH_ROUTE: '/a', AIP_PREDICT_ROUTE: '/a' })).toEqual([
      'AIP_PREDICT_ROUTE must differ from AIP_HEALTH_ROUTE',
    ]);
    for (const other of ['AIP_HEALTH_ROUTE', 'AIP_PREDICT_ROUTE'])
      expect(faults({ AIP_EXPLAIN_ROUTE: '/a', [other]: '/a' })).toEqual([
        'AIP_EXPLAIN_ROUTE must differ from AIP_HEALTH_ROUTE and AIP_PREDICT_ROUTE',
      ]);
    expect(parseConfig({ AIP_HTTP_PORT: '8080' }).PORT).toBe(8080);
    expect(parseConfig({ AIP_HTTP_PORT: '8080', PORT: '5001' }).PORT).toBe(5001);
    expect(faults({ AIP_HTTP_PORT: 'x' })).toEqual(['AIP_HTTP_PORT must be an integer from 1 to 65535']);
  });

  // With two patterns for one segment the router would search all routes for every request.
  it("leave Hono's fastest router in use", async () => {
    const predict = '/v1/endpoints/1/deployedModels/2:predict';
    const app = makeApp({ AIP_HEALTH_ROUTE: '/v1/endpoints/1/deployedModels/2', AIP_PREDICT_ROUTE: predict });
    expect((await app.request(predict, {}, {})).status).toBe(405);
    expect((await app.request('/v1/models/tiny', {}, {})).status).toBe(200);
    expect(app.router.name).toBe('SmartRouter + RegExpRouter');
  });
});
