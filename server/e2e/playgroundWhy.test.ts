import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Server } from '../testing/startServer.ts';
import { startServer, withServer } from '../testing/startServer.ts';
import { chromiumMissing, fitsWidth, needsChromium, startBrowser, withVisit } from '../testing/browser.ts';

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
/** A first explanation reads the model's file: more than the usual wait on a busy machine. */
const FIRST_MS = 30_000;
const IMPORTANCE = { 'marital-status': 0.11, age: 0.05, 'capital-gain': 0.04, sex: 0 };

const why = (page: Page) => page.getByRole('region', { name: 'Why' });
const words = (page: Page) => page.locator('#why-words');
/** Each line of the waterfall: its name and its number. */
async function steps(page: Page): Promise<string[][]> {
  const lines = await page.locator('#waterfall li').allInnerTexts();
  return lines.map((text) => text.split('\n').filter((part) => part.trim() !== ''));
}
const numberOf = (text: string | undefined): number => Number(/[-+]?[\d.]+/.exec(text ?? '')?.[0]);

async function violations(page: Page): Promise<string[]> {
  await page.evaluate(AXE);
  return page.evaluate<string[]>(
    `axe.run(document, { resultTypes: ['violations'] }).then(({ violations }) =>
      violations.flatMap(({ id, nodes }) => nodes.map(({ html }) => id + ': ' + html.slice(0, 200))))`,
  );
}

/** The model as it is described with its importance. */
async function withImportance(page: Page): Promise<void> {
  await page.route('**/models/adult', async (route) => {
    const response = await route.fetch();
    const model = (await response.json()) as { explanation: object };
    await route.fulfill({
      response,
      json: { ...model, explanation: { ...model.explanation, importance: IMPORTANCE } },
    });
  });
  await page.reload();
}

describe.skipIf(chromiumMissing)(needsChromium('the playground explains'), () => {
  let server: Server;
  let browser: Browser;
  let url: string;
  beforeAll(async () => {
    [server, browser] = await Promise.all([
      startServer({ args: ['--no-proxy'], env: { DEADLINE_MS: '6000', WEB_CONCURRENCY: '1' } }),
      startBrowser(),
    ]);
    url = `http://127.0.0.1:${server.port}/`;
    // Later visits wait for a page alone.
    await withVisit(browser, url, ({ page }) => why(page).waitFor({ timeout: FIRST_MS }));
  }, 120_000);
  afterAll(async () => {
    await browser.close();
    await server.clean();
  });

  it('a row as a waterfall, in words, and again when a cell changes', () =>
    withVisit(browser, url, async ({ page }) => {
      await why(page).waitFor();
      const first = await steps(page);
      expect(first.map(([name]) => name)).toMatchObject({
        0: 'Average',
        9: 'all other columns',
        10: 'This row',
      });
      // The numbers add up, as far as they are rounded.
      const [average, ...changes] = first.slice(0, -1).map(([, text]) => numberOf(text));
      const sum = changes.reduce((total, change) => total + change, average ?? 0);
      expect(Math.abs(sum - numberOf(first.at(-1)?.[1]))).toBeLessThan(1);
      const sizes = changes.slice(0, 8).map(Math.abs);
      expect(sizes).toEqual(sizes.toSorted((a, b) => b - a));
      const said = await words(page).innerText();
      expect(said).toMatch(
        /^The probability of <=50K is 8\d(\.\d)?%, against 7\d(\.\d)?% on average\. What matters most: (\S+ (raises|lowers) it \([-+][\d.]+ points\)(, |\.)){3}$/,
      );
      expect(said).toContain(`${first[1]?.[0]} `);
      expect(await words(page).getAttribute('role')).toBe('status');

      await page.getByLabel('capital-gain', { exact: true }).fill('99999');
      await page.locator('#why-words', { hasText: 'The probability of >50K' }).waitFor();
      expect((await steps(page))[1]).toEqual(['capital-gain', expect.stringMatching(/^\+/)]);
    }));

  it('by bars inside the track', () =>
    withVisit(browser, url, async ({ page }) => {
      await why(page).waitFor();
      const outside =
        await page.evaluate<number>(`[...document.querySelectorAll('#waterfall .track')].filter((track) => {
        const [outer, inner] = [track.getBoundingClientRect(), track.firstElementChild.getBoundingClientRect()];
        return inner.left < outer.left - 3 || inner.right > outer.right + 3 || inner.width < 1;
      }).length`);
      expect(outside).toBe(0);
    }));

  it('other models in their own space, and says nothing of one that cannot be explained', () =>
    withVisit(browser, url, async (visit) => {
      const { page } = visit;
      await why(page).waitFor();
      await page.getByLabel('Model', { exact: true }).selectOption('housing');
      await page.locator('#why-words', { hasText: /^The prediction is/ }).waitFor({ timeout: FIRST_MS });
      const asked: string[] = [];
      page.on('request', (request) => asked.push(new URL(request.url()).pathname));
      await page.getByLabel('Model', { exact: true }).selectOption('text');
      await why(page).waitFor({ state: 'hidden' });
      await page.locator('#headline[data-state=answer]').waitFor();
      expect(asked.filter((path) => path.endsWith('/explain'))).toEqual([]);
    }));

  it('nothing where there is no prediction', () =>
    withVisit(browser, url, async ({ page }) => {
      await why(page).waitFor();
      await page.getByLabel('age', { exact: true }).fill('');
      await why(page).waitFor({ state: 'hidden' });
    }));

  it('the importance of columns, where the model has it', () =>
    withVisit(browser, url, async ({ page }) => {
      await why(page).waitFor();
      const section = page.getByRole('region', { name: 'What matters to this model' });
      expect(await section.isVisible()).toBe(false);
      await withImportance(page);
      await section.waitFor();
      const lines = await page.locator('#importance-bars li').allInnerTexts();
      expect(lines.map((text) => text.split('\n').filter(Boolean))).toEqual([
        ['marital-status', '11 points'],
        ['age', '5 points'],
        ['capital-gain', '4 points'],
        ['sex', '0 points'],
      ]);
    }));

  it.each([
    ['a desktop', { width: 1280, height: 900 }],
    ['a desktop in the dark', { width: 1280, height: 900, dark: true }],
    ['a phone', { width: 390, height: 844 }],
    ['a phone in the dark', { width: 390, height: 844, dark: true }],
  ])('accessibly on %s', (_, options) =>
    withVisit(
      browser,
      url,
      async ({ page }) => {
        await withImportance(page);
        await page.locator('#importance').waitFor();
        await why(page).waitFor();
        expect(await violations(page)).toEqual([]);
        expect(await fitsWidth(page)).toBe(true);
      },
      options,
    ),
  );
});

it.skipIf(chromiumMissing)(
  needsChromium('EXPLAIN=off leaves the explanation out of the playground'),
  async () => {
    const browser = await startBrowser();
    try {
      await withServer({ args: ['--no-proxy'], env: { EXPLAIN: 'off', WEB_CONCURRENCY: '1' } }, ({ port }) =>
        withVisit(browser, `http://127.0.0.1:${port}/`, async ({ page }) => {
          const asked: string[] = [];
          page.on('request', (request) => asked.push(new URL(request.url()).pathname));
          await page.getByLabel('age', { exact: true }).fill('61');
          await page.locator('#snippet', { hasText: '61' }).waitFor();
          await page.locator('#headline[data-state=answer]').waitFor();
          expect(await page.locator('#why').isVisible()).toBe(false);
          expect(asked.filter((path) => path.endsWith('/explain'))).toEqual([]);
        }),
      );
    } finally {
      await browser.close();
    }
  },
  120_000,
);
