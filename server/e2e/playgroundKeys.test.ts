import { createHash } from 'node:crypto';
import type { Browser, Route } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { nginxMissing } from '../../proxy/testing/nginxMissing.ts';
import type { Server } from '../testing/startServer.ts';
import { startServer } from '../testing/startServer.ts';
import { withDeadline } from '../testing/withDeadline.ts';
import type { Visit } from '../testing/browser.ts';
import { chromiumMissing, needsChromium, startBrowser, withVisit } from '../testing/browser.ts';

// The waits of a test for its page take half a minute at most, so that the one that fails reports itself.
vi.setConfig({ testTimeout: 120_000 });

const KEY = 'key-of-a-person';

/** The final status of a request by the page's code. */
const STATUS_OF_MODELS = `(async () => {
  const { name } = performance.getEntriesByType('resource').find(({ name }) => name.endsWith('/shared/keyed.js'));
  const { keyedFetch } = await import(name);
  return (await keyedFetch('/models')).status;
})()`;

/** The refusals that led to the prompt are in the console; they are no fault of the page. */
function takeRefusals({ faults }: Visit): void {
  const refusals = faults.filter((fault) => fault.includes('status of 401'));
  expect(refusals.length).toBeGreaterThan(0);
  faults.splice(0, faults.length, ...faults.filter((fault) => !refusals.includes(fault)));
}

describe.skipIf(chromiumMissing ?? nginxMissing)(needsChromium('the pages of a server with keys'), () => {
  let server: Server;
  let browser: Browser;
  let url: string;
  beforeAll(async () => {
    const API_KEYS = `person:${createHash('sha256').update(KEY).digest('hex')}`;
    [server, browser] = await Promise.all([startServer({ env: { API_KEYS } }), startBrowser()]);
    url = `http://127.0.0.1:${server.port}`;
  });
  afterAll(async () => {
    await browser.close();
    await server.clean();
  });

  it('the playground prompts for one, again after a wrong one, and predicts with it', () =>
    withVisit(browser, `${url}/`, async (visit) => {
      const { page } = visit;
      const first = await page.waitForSelector('#access-key');
      await first.fill('guess');
      await page.keyboard.press('Enter');
      // A new prompt replaces it.
      await first.waitForElementState('hidden');
      await page.fill('#access-key', KEY);
      await page.keyboard.press('Enter');
      await page.locator('#headline[data-state="answered"], #prediction:has-text("50K")').first().waitFor();
      expect(await page.locator('dialog').count()).toBe(0);
      takeRefusals(visit);
    }));

  it('the API page shows the document with one, and an error without', () =>
    withVisit(browser, `${url}/apidocs`, async (visit) => {
      const { page } = visit;
      await page.click('#access-cancel');
      await page.locator('[role=alert]', { hasText: '401' }).waitFor();
      await page.reload();
      await page.fill('#access-key', KEY);
      await page.click('dialog button[type=submit]');
      await page.locator('h2', { hasText: 'predict' }).first().waitFor();
      takeRefusals(visit);
    }));

  it('a refusal of a request without a key does not prompt if there is a key by now', () =>
    withVisit(browser, `${url}/apidocs`, async (visit) => {
      const { page } = visit;
      await page.waitForSelector('#access-key');
      let deliver = (): void => undefined;
      const refusal = new Promise<number>((resolve, reject) => {
        const hold = async (route: Route): Promise<void> => {
          const response = await route.fetch();
          deliver = () => void route.fulfill({ response });
          resolve(response.status());
        };
        page.route('**/models', hold, { times: 1 }).catch(reject);
      });
      const late = page.evaluate(STATUS_OF_MODELS);
      expect(await withDeadline('the refusal', Promise.race([refusal, late]), 20_000)).toBe(401);
      await page.fill('#access-key', KEY);
      await page.keyboard.press('Enter');
      await page.locator('h2', { hasText: 'predict' }).first().waitFor();
      deliver();
      expect(await withDeadline('the answer', late, 20_000)).toBe(200);
      expect(await page.locator('dialog').count()).toBe(0);
      takeRefusals(visit);
    }));
});
