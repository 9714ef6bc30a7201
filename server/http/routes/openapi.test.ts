import { expect, it } from 'vitest';
import { createCatalogue } from '../../model/catalogue.ts';
import type { Catalogue } from '../../model/catalogue.ts';
import { expectProblem } from '../../testing/problem.ts';
import { tinyModel } from '../../testing/tinyModel.ts';
import { bareApp } from '../../testing/bareApp.ts';
import { withApp } from '../../testing/withApp.ts';
import { openApiRoute } from './openapi.ts';

interface Document {
  readonly openapi: string;
  readonly paths: Readonly<Record<string, unknown>>;
}

withApp('GET /openapi.json describes the routes of the app, and no others', async ({ request }) => {
  const answer = await request('/openapi.json');
  expect(answer.status).toBe(200);
  expect(answer.headers.get('content-type')).toBe('application/json');
  const { openapi, paths } = JSON.parse(answer.text) as Document;
  expect(openapi).toBe('3.1.0');
  expect(Object.keys(paths)).toEqual(expect.arrayContaining(['/predict', '/models', '/health/ready']));
  for (const path of Object.keys(paths)) {
    const filled = path.replace('{model}', 'adult').replace('{version}', '1');
    expect([path, (await request(filled)).status], path).not.toContain(404);
  }
  expectProblem(await request('/openapi.json', { headers: { accept: 'text/html' } }), 'not_acceptable');
});

withApp('a client that has the document gets 304', async ({ request }) => {
  const first = await request('/openapi.json');
  const etag = first.headers.get('etag') ?? '';
  expect(etag).toMatch(/^"[\w-]{20}"$/);
  expect(first.headers.get('cache-control')).toBe('no-cache');
  for (const known of [etag, `W/${etag}`, `"other", ${etag}`, '*']) {
    const again = await request('/openapi.json', { headers: { 'if-none-match': known } });
    expect([known, again.status, again.text]).toEqual([known, 304, '']);
    expect(again.headers.get('vary')).toContain('accept-encoding');
    expect(again.headers.get('etag')).toBe(etag);
    expect(again.headers.get('x-request-id')).toBeTruthy();
  }
  const other = await request('/openapi.json', { headers: { 'if-none-match': '"other"' } });
  expect(other.status).toBe(200);
});

it('is made again after a change of models, and only then', async () => {
  let current = createCatalogue([tinyModel()], tinyModel());
  const catalogue: Catalogue = {
    get defaultModel() {
      return current.defaultModel;
    },
    get models() {
      return current.models;
    },
    get versions() {
      return current.versions;
    },
    find: (name, version) => current.find(name, version),
  };
  let described = 0;
  const { GET } = openApiRoute({
    catalogue,
    version: '1',
    hasRoute: (route) => {
      if (route === '/predict') described++;
      return true;
    },
  });
  const app = bareApp().get('/', async (c) => (await GET?.(c)) ?? c.notFound());
  const ask = async (): Promise<Response> => app.request('/', {}, {});

  const etag = (await ask()).headers.get('etag');
  const once = described;
  expect((await ask()).headers.get('etag')).toBe(etag);
  expect(described).toBe(once);
  const next = { ...tinyModel(), version: 2, id: 'tiny/2' };
  current = createCatalogue([next], next);
  const swapped = await ask();
  expect(swapped.headers.get('etag')).not.toBe(etag);
  expect(await swapped.text()).toContain('/models/tiny/versions/2/predict');
  expect(described).toBe(2 * once);
});
