import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { nginxMissing } from '../../proxy/testing/nginxMissing.ts';
import { ADULT_LABEL, adultBody, adultRow } from '../testing/adult.ts';
import type { Server } from '../testing/startServer.ts';
import { startServer } from '../testing/startServer.ts';
import { chromiumMissing, fitsWidth, needsChromium, startBrowser, withVisit } from '../testing/browser.ts';

const PHONE = { width: 390, height: 844, dark: true };

const GOOD = JSON.stringify(adultBody(adultRow()));
const BAD = JSON.stringify(adultBody(adultRow({ age: 1.5 })));

/** The answer on the page, once it has this status. */
async function answerWith(page: Page, operation: string, status: number): Promise<string> {
  const answer = page.locator(`#${operation} .answer`);
  await answer.locator('.status', { hasText: String(status) }).waitFor();
  return answer.innerText();
}

/** Presses Tab until the focus is on the element. */
async function tabTo(page: Page, selector: string): Promise<void> {
  for (let presses = 0; presses < 60; presses++) {
    await page.keyboard.press('Tab');
    const matches = `document.activeElement.matches(${JSON.stringify(selector)})`;
    if (await page.evaluate<boolean>(matches)) return;
  }
  throw new Error(`60 presses of Tab do not lead to ${selector}`);
}

describe.skipIf(chromiumMissing ?? nginxMissing)(needsChromium('/apidocs in Chromium'), () => {
  let server: Server;
  let iris: Server;
  let browser: Browser;
  let url: string;
  beforeAll(async () => {
    [server, iris, browser] = await Promise.all([
      startServer(),
      startServer({ env: { DEFAULT_MODEL: 'iris', WEB_CONCURRENCY: '1' } }),
      startBrowser(),
    ]);
    url = `http://127.0.0.1:${server.port}/apidocs`;
  });
  afterAll(async () => {
    await browser.close();
    await Promise.all([server.clean(), iris.clean()]);
  });

  it('sends an edited body and shows the answer', () =>
    withVisit(browser, url, async ({ page }) => {
      await page.click('#predict > summary');
      await page.selectOption('#predict-probabilities', 'true');
      await page.fill('#predict-body', GOOD);
      await page.click('#predict .try button');
      const good = await answerWith(page, 'predict', 200);
      expect(good).toContain(ADULT_LABEL);
      expect(good).toContain('"probabilities"');
      expect(good).toMatch(/in \d+\.\d ms/);
      await page.click('#predict .answer summary');
      expect(await page.locator('#predict .answer').innerText()).toContain('x-model: adult/1');
    }));

  it('shows an error unchanged', () =>
    withVisit(browser, url, async ({ page, faults }) => {
      await page.click('#predict > summary');
      await page.fill('#predict-body', BAD);
      await page.click('#predict .try button');
      expect(await answerWith(page, 'predict', 422)).toContain('"column": "age"');
      // Chromium logs every answer from 400 up itself.
      expect(faults.splice(0)).toEqual([expect.stringContaining('422')]);
    }));

  it('works with the keyboard alone', () =>
    withVisit(browser, url, async ({ page }) => {
      await tabTo(page, '#predict > summary');
      await page.keyboard.press('Enter');
      // The content of an operation is made when it opens, sooner than a user presses the next key.
      await page.locator('#predict-body').waitFor();
      await tabTo(page, '#predict-body');
      await page.keyboard.press('Control+A');
      await page.keyboard.insertText(GOOD);
      await page.keyboard.press('Control+Enter');
      expect(await answerWith(page, 'predict', 200)).toContain(ADULT_LABEL);
      await tabTo(page, '#predict .answer pre.body');
    }));

  it('fits a phone with everything open, in the dark', () =>
    withVisit(
      browser,
      url,
      async ({ page }) => {
        const openAll = `document.querySelectorAll('details').forEach((details) => (details.open = true))`;
        await page.locator('details.operation').first().waitFor();
        await page.evaluate(openAll);
        // The content of an operation is made when it opens; then its answers can be opened.
        await page.locator('details.operation:not(:has(.inside))').waitFor({ state: 'detached' });
        await page.evaluate(openAll);
        expect(await fitsWidth(page)).toBe(true);
        const background = await page.evaluate<string>('getComputedStyle(document.body).backgroundColor');
        expect(background).toBe('rgb(18, 22, 21)');
      },
      PHONE,
    ));

  it('suggests known categories, accepts others, and fills in the path', () =>
    withVisit(browser, url, async ({ page }) => {
      await page.click('#predictOne > summary');
      const input = page.locator('#predictOne-workclass');
      expect(await input.getAttribute('list')).toBe('predictOne-workclass-known');
      expect(await page.locator('#predictOne-workclass-known option').count()).toBe(9);
      await page.click('#getModel > summary');
      await page.click('#getModel .try button');
      expect(await answerWith(page, 'getModel', 200)).toContain('"name": "adult"');
    }));

  it('opens the operation of a link', () =>
    withVisit(browser, `${url}#predict`, async ({ page }) => {
      await page.locator('#predict a', { hasText: 'AdultRow' }).first().click();
      await page.locator('#schema-AdultRow .schema').first().waitFor();
      expect(new URL(page.url()).hash).toBe('#schema-AdultRow');
    }));

  it.each([
    [
      'an inline script',
      `document.body.append(Object.assign(document.createElement('script'), { text: '1' }))`,
    ],
    ['another host', `fetch('http://127.0.0.2:1/').catch(() => undefined)`],
    ['markup from text', `document.body.innerHTML = '<b>x</b>'`],
  ])('is prevented from %s by its policy, and the test sees the violation', (_, script) =>
    withVisit(browser, url, async ({ page, faults }) => {
      await page.evaluate(script).catch(() => undefined);
      await expect.poll(() => faults.join('\n')).toMatch(/Content Security Policy|TrustedHTML|TrustedScript/);
      faults.length = 0;
    }),
  );

  it('documents the iris model as the default one: a query for one flower, a CSV without a header for many', () =>
    withVisit(browser, `http://127.0.0.1:${iris.port}/apidocs`, async ({ page }) => {
      expect(await page.locator('#predictOne > summary').innerText()).toMatch(/^GET\s+\/predict\s/);
      await page.click('#predictOne > summary');
      const flower = { s_length: '5.1', s_width: '3.5', p_length: '1.4', p_width: '0.2' };
      for (const [name, value] of Object.entries(flower)) await page.fill(`#predictOne-${name}`, value);
      await page.click('#predictOne .try button');
      expect(await answerWith(page, 'predictOne', 200)).toContain('"setosa"');

      expect(await page.locator('#predictFile > summary').innerText()).toMatch(/^POST\s+\/predict_file\s/);
      await page.click('#predictFile > summary');
      await page.selectOption('#predictFile-header', 'false');
      await page.setInputFiles('#predictFile-file', {
        name: 'flowers.csv',
        mimeType: 'text/csv',
        buffer: Buffer.from('5.1,3.5,1.4,0.2\n6.3,3.3,6.0,2.5\n'),
      });
      await page.click('#predictFile .try button');
      const answer = await answerWith(page, 'predictFile', 200);
      expect(answer.replace(/\s/g, '')).toContain('"predictions":["setosa","virginica"]');
      await page.selectOption('#predictFile-accept', 'text/csv');
      await page.click('#predictFile .try button');
      await page.locator('#predictFile .answer', { hasText: '6.3,3.3,6.0,2.5,virginica' }).waitFor();
    }));
});
