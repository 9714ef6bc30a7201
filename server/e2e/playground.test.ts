import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, Locator, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ADULT_COLUMNS, ADULT_ROW, adultRow } from '../testing/adult.ts';
import type { Server } from '../testing/startServer.ts';
import { startServer } from '../testing/startServer.ts';
import { eventually } from '../testing/withDeadline.ts';
import type { Visit } from '../testing/browser.ts';
import { chromiumMissing, fitsWidth, needsChromium, startBrowser, withVisit } from '../testing/browser.ts';

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const JSON_TYPE = { 'content-type': 'application/json' };
const CSV_ROWS = [
  ADULT_ROW,
  adultRow({ age: 'forty' }),
  adultRow({ age: null, workclass: 'Private' }),
  adultRow({ 'hours-per-week': 40.5 }),
];
const toText = (cell: unknown): string => (typeof cell === 'string' ? cell : JSON.stringify(cell));
const toLine = (cells: readonly unknown[]): string =>
  cells.map((cell) => (cell === null ? '' : toText(cell))).join(',');
const CSV = [`id,${ADULT_COLUMNS.join(',')}`, ...CSV_ROWS.map((row, id) => `${id},${toLine(row)}`), ''].join(
  '\r\n',
);

let server: Server;
let browser: Browser;
let url: string;
let folder: string;

/** The answer that the form shows. */
const answered = async (page: Page): Promise<void> =>
  void (await page.locator('#headline[data-state=answer]').waitFor());
const field = (page: Page, column: string): Locator => page.getByLabel(column, { exact: true });
const bars = (page: Page): Promise<string[]> => page.locator('#bars li').allInnerTexts();

/** Chromium logs a line for each error answer: those that the test provoked. */
function takeRefusals(visit: Visit, status: number): number {
  const own = visit.faults.filter((fault) =>
    fault.includes(`the server responded with a status of ${status}`),
  );
  for (const fault of own) visit.faults.splice(visit.faults.indexOf(fault), 1);
  return own.length;
}

/** Every rule of axe-core that the page breaks, with the elements that do. */
async function violations(page: Page): Promise<string[]> {
  await page.evaluate(AXE);
  return page.evaluate<string[]>(
    `axe.run(document, { resultTypes: ['violations'] }).then(({ violations }) =>
      violations.flatMap(({ id, nodes }) => nodes.map(({ html }) => id + ': ' + html.slice(0, 200))))`,
  );
}

async function drop(page: Page, name: string, text: string): Promise<void> {
  const transfer = await page.evaluateHandle(
    `(() => { const transfer = new DataTransfer();
      transfer.items.add(new File([${JSON.stringify(text)}], ${JSON.stringify(name)}, { type: 'text/csv' }));
      return transfer; })()`,
  );
  await page.dispatchEvent('#drop', 'drop', { dataTransfer: transfer });
}

async function downloaded(page: Page): Promise<{ name: string; text: string }> {
  const coming = page.waitForEvent('download');
  await page.getByRole('button', { name: 'Download with predictions' }).click();
  const download = await coming;
  return { name: download.suggestedFilename(), text: readFileSync(await download.path(), 'utf8') };
}

describe.skipIf(chromiumMissing)(needsChromium('the playground'), () => {
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'playground-'));
    [server, browser] = await Promise.all([startServer(), startBrowser()]);
    url = `http://127.0.0.1:${server.port}/`;
  });
  afterAll(async () => {
    await browser.close();
    await server.stop();
    await server.clean();
    rmSync(folder, { recursive: true });
  });

  it('shows a prediction for an example at once, and another one after a change', () =>
    withVisit(browser, url, async ({ page }) => {
      await answered(page);
      expect(await page.locator('#prediction').innerText()).toBe('<=50K');
      const first = await bars(page);
      expect(first.map((text) => text.split('\n')[0])).toEqual(['<=50K', '>50K']);
      expect(first.join(' ')).toMatch(/<=50K\s+8\d(\.\d)?%\s+>50K\s+1\d(\.\d)?%/);
      await field(page, 'education').selectOption('Doctorate');
      await field(page, 'capital-gain').fill('99999');
      await page.locator('#prediction', { hasText: /^>50K$/ }).waitFor();
      await page.getByRole('button', { name: 'Reset' }).click();
      await page.locator('#prediction', { hasText: /^<=50K$/ }).waitFor();
      expect(await bars(page)).toEqual(first);
    }));

  it("shows the server's remark on a cell at the field of its column", () =>
    withVisit(browser, url, async (visit) => {
      const { page } = visit;
      await answered(page);
      await field(page, 'age').fill('39.5');
      const age = page.locator('.field', { hasText: 'age' }).first();
      await age.getByText('expected an integer, found a fraction').waitFor();
      expect(await field(page, 'age').getAttribute('aria-invalid')).toBe('true');
      expect(await page.locator('#prediction').innerText()).toBe('No prediction');
      expect(takeRefusals(visit, 422)).toBe(1);

      await field(page, 'age').fill('');
      await age.getByText('Enter an integer, or tick “missing”.').waitFor();
      await page.getByLabel('age is missing').check();
      await answered(page);
      expect(await field(page, 'age').getAttribute('aria-invalid')).toBe('false');

      await field(page, 'workclass').selectOption('Other value …');
      await page.getByLabel('workclass: other value').fill('Private');
      await page.getByText('unknown category: did you mean " Private"?').waitFor();
      expect(await field(page, 'workclass').getAttribute('aria-invalid')).toBe('false');
    }));

  it('works with the keyboard alone', () =>
    withVisit(browser, url, async (visit) => {
      const { page } = visit;
      await answered(page);
      const focused = (): Promise<string> =>
        page.evaluate(
          `(() => { const e = document.activeElement; return e.getAttribute('aria-label') || e.labels?.[0]?.textContent || e.textContent; })()`,
        );
      const tabTo = async (name: string): Promise<void> => {
        for (let presses = 0; presses < 80; presses++) {
          if ((await focused()).trim() === name) return;
          await page.keyboard.press('Tab');
        }
        throw new Error(`no Tab leads to ${name}`);
      };
      await tabTo('age');
      await page.keyboard.press('Control+A');
      await page.keyboard.type('61.5');
      await page.keyboard.press('Enter');
      await page.getByText('expected an integer, found a fraction').waitFor();
      // The focus is on the field with the error.
      expect(await focused()).toBe('age');
      await page.keyboard.press('Control+A');
      await page.keyboard.type('61');
      await tabTo('education');
      await page.keyboard.type('Doc');
      await tabTo('Predict');
      await page.keyboard.press('Enter');
      await answered(page);
      expect(await page.locator('#snippet').innerText()).toMatch(/\[61,.*" Doctorate"/);
      await tabTo('curl');
      await page.keyboard.press('ArrowRight');
      expect(await page.locator('#snippet').innerText()).toContain('await fetch(');
      await tabTo('Try with the row above');
      await page.keyboard.press('Enter');
      await tabTo('Download with predictions');
      await tabTo('Table of predictions');
      takeRefusals(visit, 422);
    }));

  it('predicts a dropped file, names refused rows by line, and returns all rows with predictions', () =>
    withVisit(browser, url, async (visit) => {
      const { page } = visit;
      await answered(page);
      await drop(page, 'people.csv', CSV);
      await page.getByText(/^2 of 4 rows predicted/).waitFor();
      expect(await page.locator('#many-output .errors li').allInnerTexts()).toEqual([
        'Line 3, age: expected an integer, found a string',
        'Line 5, hours-per-week: expected an integer, found a fraction',
      ]);
      expect(await page.locator('#many-output .warnings li').allInnerTexts()).toEqual([
        'Line 4, workclass: unknown category: did you mean " Private"?',
      ]);
      expect(await page.getByText('not sent: id.').count()).toBe(1);
      expect(await page.locator('tbody tr').count()).toBe(4);
      const { name, text } = await downloaded(page);
      expect(name).toBe('people-predictions.csv');
      const lines = text.split('\n');
      expect(lines[0]).toBe(`id,${ADULT_COLUMNS.join(',')},prediction,probability`);
      expect(lines[1]).toMatch(new RegExp(`^0,${toLine(ADULT_ROW)}, <=50K,0\\.8\\d+$`));
      expect(lines[2]).toMatch(/,,$/);
      expect(lines[3]).toMatch(/, (<=|>)50K,0\.\d+$/);
      expect(lines).toHaveLength(6);
      expect(takeRefusals(visit, 422)).toBe(1);
    }));

  it('predicts a chosen file of many rows, and pasted ones', () =>
    withVisit(browser, url, async (visit) => {
      const { page } = visit;
      await answered(page);
      const file = join(folder, 'many.csv');
      writeFileSync(file, `${ADULT_COLUMNS.join(';')}\n${`${ADULT_ROW.join(';')}\n`.repeat(4500)}`);
      await page.setInputFiles('#file', file);
      await page.getByText(/^4,500 of 4,500 rows predicted/).waitFor();
      expect(await page.locator('tbody tr').count()).toBe(100);
      const { text } = await downloaded(page);
      expect(text.match(/; <=50K;0\.8\d+\n/g)).toHaveLength(4500);

      await page.getByLabel('Rows as CSV, with a header').fill('age,nonsense\n1,2\n');
      await page.getByRole('button', { name: 'Predict rows' }).click();
      await page
        .getByText(/^0 of 1 rows predicted in .* The columns do not match the model's signature/)
        .waitFor();
      expect(await page.locator('tbody tr').count()).toBe(0);
      expect(takeRefusals(visit, 422)).toBe(1);
      await page.getByLabel('Rows as CSV, with a header').fill('');
      await page.getByRole('button', { name: 'Predict rows' }).click();
      await page.getByText(/^There are no rows/).waitFor();
    }));

  it('shows the current request as code that runs', () =>
    withVisit(browser, url, async ({ page }) => {
      await answered(page);
      await field(page, 'workclass').selectOption('Other value …');
      await page.getByLabel('workclass: other value').fill(`it's "$HOME" \\n é`);
      await page.getByLabel('age is missing').check();
      await page.locator('#snippet', { hasText: 'null' }).waitFor();
      const snippet = async (language: string): Promise<string> => {
        await page.getByLabel(language, { exact: true }).check({ force: true });
        return page.locator('#snippet').innerText();
      };
      const sent = {
        columns: ADULT_COLUMNS,
        data: [adultRow({ age: null, workclass: `it's "$HOME" \\n é` })],
      };
      const answer = await fetch(`${url}predict?probabilities=true`, {
        method: 'POST',
        headers: JSON_TYPE,
        body: JSON.stringify(sent),
      }).then((response) => response.json());
      const run = (program: string, ...args: string[]): unknown =>
        JSON.parse(
          execFileSync(program, args, { encoding: 'utf8', env: { ...process.env, PYTHONPATH: folder } }),
        );
      const curl = (await snippet('curl')).replace('curl', 'curl -s');
      expect(run('sh', '-c', curl)).toEqual(answer);
      const typescript = (await snippet('TypeScript')).replace(
        'console.log(await response.json())',
        'console.log(await response.text())',
      );
      expect(run('node', '--input-type=module', '-e', typescript)).toEqual(answer);
      // Instead of the package: it prints the request.
      writeFileSync(
        join(folder, 'requests.py'),
        'import json as j\ndef post(url, json):\n  print(j.dumps(json)); raise SystemExit\n',
      );
      expect(run('python3', '-c', await snippet('Python'))).toEqual(sent);
    }));

  it('shows the rate and the latency of the whole server', () =>
    withVisit(browser, url, async ({ page }) => {
      await answered(page);
      await eventually(
        'a rate above nothing',
        async () => {
          const body = JSON.stringify({ columns: ADULT_COLUMNS, data: [ADULT_ROW] });
          await fetch(`${url}predict`, { method: 'POST', headers: JSON_TYPE, body });
          return Number(await page.locator('#rate').innerText()) > 3;
        },
        10_000,
      );
      expect(await page.locator('#p50').innerText()).toMatch(/^[\d.]+ ms$/);
      expect(await page.locator('#sparkline polyline').count()).toBe(1);
    }));

  it.each([
    ['a desktop', { width: 1280, height: 900 }],
    ['a desktop in the dark', { width: 1280, height: 900, dark: true }],
    ['a phone', { width: 390, height: 844 }],
    ['a phone in the dark', { width: 390, height: 844, dark: true }],
  ])('is accessible on %s, and never wider than the window', (_, options) =>
    withVisit(
      browser,
      url,
      async (visit) => {
        const { page } = visit;
        await answered(page);
        await drop(page, 'people.csv', CSV);
        await page.getByText(/^2 of 4 rows predicted/).waitFor();
        await field(page, 'age').fill('1.5');
        await page.locator('#headline[data-state=refused]').waitFor();
        expect(await violations(page)).toEqual([]);
        expect(await fitsWidth(page)).toBe(true);
        takeRefusals(visit, 422);
      },
      options,
    ),
  );
});
