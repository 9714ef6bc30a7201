import { describe, expect, it } from 'vitest';
import { builtAssets } from '../../testing/builtAssets.ts';
import { bareApp } from '../../testing/bareApp.ts';
import { withApp } from '../../testing/withApp.ts';
import { homeRoute, wantsPage } from './home.ts';

const CHROMIUM =
  'text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8,application/signed-exchange;v=b3;q=0.7';

describe('the page is sent', () => {
  it.each([
    CHROMIUM,
    'text/html',
    'Text/HTML;q=0.9, text/plain;q=0.5',
    'text/html, */*',
    'text/html;level=1 ; q=0.5',
    'text/html, text/plain',
  ])('for Accept: %s', (accept) => expect(wantsPage(accept)).toBe(true));

  it.each([
    undefined,
    '',
    '*/*',
    'text/*',
    'text/plain',
    'application/json',
    'text/html;q=0',
    'text/html;q=0.5, */*',
    'text/plain, text/html;q=0.9',
    'text/html;q=none',
    'text/html ; q = 0.5, text/plain',
    'x-text/html',
  ])('not for Accept: %s', (accept) => expect(wantsPage(accept)).toBe(false));
});

withApp('GET / answers browsers with the playground, other clients with a text', async ({ request }) => {
  const page = await request('/', { headers: { accept: CHROMIUM } });
  expect([page.status, page.headers.get('content-type')]).toEqual([200, 'text/html; charset=utf-8']);
  expect(page.text).toContain('<title>servemodel playground</title>');
  expect(page.headers.get('content-security-policy')).toMatch(/^default-src 'none'; script-src 'self';/);
  expect(page.headers.get('content-security-policy')).not.toContain('unsafe');
  const text = await request('/', { headers: { accept: '*/*' } });
  expect([text.status, text.text]).toEqual([200, 'Service is running']);
  expect([page, text].map(({ headers }) => headers.get('vary'))).toEqual(['accept', 'accept']);
});

it('without a playground browsers get the text, too', async () => {
  const app = bareApp().get('/', async (c) => homeRoute(undefined).GET?.(c) ?? c.notFound());
  expect(await (await app.request('/', { headers: { accept: CHROMIUM } }, {})).text()).toBe(
    'Service is running',
  );
});

it('the page loads little', () => {
  const assets = builtAssets();
  const page = assets.page('playground').body;
  const scripts = new Set<string>();
  const load = (path: string): void => {
    if (scripts.has(path)) return;
    scripts.add(path);
    const { body = '' } = assets.find(path) ?? {};
    for (const [, folder, name] of body.matchAll(/from '\.(\.\/shared)?\/([\w.]+)'/g)) {
      load(`${folder === undefined ? 'playground' : 'shared'}/${name}`);
    }
  };
  load('playground/main.js');
  const files = [...scripts, 'playground/page.css', 'shared/theme.css', 'shared/icon.svg'];
  expect(files.filter((path) => assets.find(path) === undefined)).toEqual([]);
  const bytes = files.reduce((sum, path) => sum + (assets.find(path)?.body.length ?? 0), page.length);
  expect(bytes).toBeLessThan(64 * 1024);
});
