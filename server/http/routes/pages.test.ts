import { expect } from 'vitest';
import { builtAssets } from '../../testing/builtAssets.ts';
import { expectProblem } from '../../testing/problem.ts';
import { withApp } from '../../testing/withApp.ts';

const { digest } = builtAssets();

withApp('GET /apidocs is a page that may load files of this server only', async ({ request }) => {
  const page = await request('/apidocs');
  expect(page.status).toBe(200);
  expect(page.headers.get('content-type')).toBe('text/html; charset=utf-8');
  expect(page.headers.get('cache-control')).toBe('no-cache');
  expect(page.headers.get('x-content-type-options')).toBe('nosniff');
  const policy = page.headers.get('content-security-policy') ?? '';
  expect(policy).toContain("default-src 'none'");
  expect(policy).not.toMatch(/unsafe|https?:|\*/);
  expect(page.text).not.toContain('{{');
  const loaded = [...page.text.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, path = '']) => path);
  expect(loaded.length).toBeGreaterThan(3);
  for (const path of loaded) expect([path, (await request(path)).status]).toEqual([path, 200]);
  expect(page.text).not.toMatch(/<(script|style)[^>]*>[^<]/);
  const again = await request('/apidocs', { headers: { 'if-none-match': page.headers.get('etag') ?? '' } });
  expect([again.status, again.text]).toEqual([304, '']);
});

withApp('files of a page are cached forever under its digest, and only there', async ({ request }) => {
  for (const [path, type] of [
    ['apidocs/main.js', 'text/javascript; charset=utf-8'],
    ['shared/theme.css', 'text/css; charset=utf-8'],
    ['shared/icon.svg', 'image/svg+xml; charset=utf-8'],
  ] as const) {
    const asset = await request(`/assets/${digest}/${path}`);
    expect([asset.status, asset.headers.get('content-type')]).toEqual([200, type]);
    expect(asset.headers.get('cache-control')).toBe('public, max-age=31536000, immutable');
    expect(asset.headers.get('x-content-type-options')).toBe('nosniff');
    // During a reload, pages of other processes have another digest.
    const other = await request(`/assets/other/${path}`);
    expect([other.status, other.headers.get('cache-control')]).toEqual([200, 'no-cache']);
    expect(other.text).toBe(asset.text);
  }
});

withApp('no other file is served', async ({ request }) => {
  for (const path of [
    'apidocs/main.ts',
    'apidocs/index.html',
    'apidocs/constructor',
    'shared/..%2fapidocs%2fmain.js',
    '..%2f..%2fpackage.json/x',
    'testing/browser.js',
  ]) {
    expectProblem(await request(`/assets/${digest}/${path}`), 'not_found');
  }
});
