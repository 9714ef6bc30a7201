import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Input, Signature } from '../model/signature.ts';
import { HOME } from '../platform/install.ts';
import { withServer } from '../testing/startServer.ts';
import { withTemporaryFolder } from '../testing/temporaryFolder.ts';
import { chromiumMissing, needsChromium, startBrowser, withVisit } from '../testing/browser.ts';

const FIXTURES = join(HOME, 'server/compiler/fixtures');
const ADULT = join(HOME, 'models/adult/1');
const readJson = <T>(path: string): T => JSON.parse(readFileSync(path, 'utf8')) as T;

/** Texts that would have an effect if they became markup. */
const HOSTILE = [
  '<img src="https://evil.example/a.png" onerror="globalThis.hacked = 1">',
  '<script>globalThis.hacked = 2</script>',
  '"><svg onload="globalThis.hacked = 3">',
  "' autofocus onfocus='globalThis.hacked = 4",
  'javascript:globalThis.hacked = 5',
  '</label></form><base href="https://evil.example/">',
  'x" style="background: url(https://evil.example/b.png)',
  '</style><style>@import "https://evil.example/c.css";</style>',
  '{{constructor.constructor("globalThis.hacked = 6")()}}',
  '__proto__',
  'constructor',
  'main',
  '\u202Eright to left',
  '<textarea><template><iframe src="https://evil.example/">',
];

/** The Adult model with hostile texts everywhere in its signature. */
function hostile(): Signature {
  const signature = readJson<Signature>(join(ADULT, 'model.json'));
  const inputs = signature.inputs.map((input, index): Input => {
    const { onnx, type, nullable, range, categories } = input;
    const name = HOSTILE[index] ?? input.name;
    return {
      name,
      onnx,
      type,
      nullable,
      ...(range && { range }),
      ...(categories && { categories: HOSTILE }),
    };
  });
  return { ...signature, inputs, description: HOSTILE.join(' ') };
}

function writeModel(repository: string, name: string, signature: Signature, onnx: string): void {
  const folder = join(repository, name, '1');
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'model.json'), JSON.stringify(signature));
  copyFileSync(onnx, join(folder, 'model.onnx'));
}

describe.skipIf(chromiumMissing)(needsChromium('the playground of any model'), () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await startBrowser();
  });
  afterAll(() => browser.close());

  const withModel = (
    signature: Signature,
    onnx: string,
    run: (url: string) => Promise<void>,
  ): Promise<void> =>
    withTemporaryFolder(async (repository) => {
      writeModel(repository, 'model', signature, onnx);
      const env = { MODEL_REPOSITORY: repository, WEB_CONCURRENCY: '1' };
      await withServer({ env }, ({ port }) => run(`http://127.0.0.1:${port}/`));
    });

  it('shows all markup in a signature as text', () =>
    withModel(hostile(), join(ADULT, 'model.onnx'), (url) =>
      withVisit(browser, url, async ({ page }) => {
        await page.locator('#headline[data-state=answer]').waitFor();
        expect(await page.locator('#description').innerText()).toContain('<script>globalThis.hacked = 2');
        expect(await page.locator('.field > label').allTextContents()).toEqual(HOSTILE);
        const options = await page.locator('.field select').first().locator('option').allTextContents();
        expect(options).toEqual([...HOSTILE, 'Other value …']);
        // Remarks name columns; the table and the snippet repeat all texts.
        await page.locator('.field select').first().selectOption('Other value …');
        await page
          .locator('.other')
          .first()
          .fill(HOSTILE[0] as string);
        await page.locator('#snippet', { hasText: 'onerror' }).waitFor();
        await page.getByRole('button', { name: 'Try with the row above' }).click();
        await page.getByText(/^1 of 1 rows predicted/).waitFor();
        expect(await page.locator('thead th').allTextContents()).toEqual(['line', 'prediction', ...HOSTILE]);
        expect(await page.evaluate('globalThis.hacked')).toBeUndefined();
        const made =
          'img[src^="https"], form svg, base, style, iframe, script:not([src]), [onload], [onfocus]';
        expect(await page.locator(made).count()).toBe(0);
      }),
    ));

  it('shows the value of a regression', () => {
    const { signature } = readJson<{ signature: Signature }>(
      join(FIXTURES, 'gradient-boosting-regressor.json'),
    );
    return withModel(signature, join(FIXTURES, 'gradient-boosting-regressor.onnx'), (url) =>
      withVisit(browser, url, async ({ page }) => {
        await page.locator('#headline[data-state=answer]').waitFor();
        expect(await page.locator('#prediction').innerText()).toMatch(/^-?[\d.,]+$/);
        expect(await page.locator('#bars li').count()).toBe(0);
        await page.getByRole('button', { name: 'Try with the row above' }).click();
        await page.getByText(/^1 of 1 rows predicted/).waitFor();
        expect(await page.locator('td.prediction').innerText()).toBe(
          await page.locator('#prediction').innerText(),
        );
      }),
    );
  });

  it('shows several values by their names, and all of them in a table', () => {
    const signature: Signature = {
      task: 'multioutput-regression',
      inputs: ['a', 'b', 'c', 'd'].map((name) => ({ name, onnx: 'X', type: 'number', nullable: false })),
      outputs: { values: ['price', 'days', 'risk'].map((name) => ({ name, onnx: 'variable' })) },
    };
    return withModel(signature, join(HOME, 'server/testing/bare/ridge-3.onnx'), (url) =>
      withVisit(browser, url, async ({ page }) => {
        await page.locator('#headline[data-state=answer]').waitFor();
        expect(await page.locator('#prediction').innerText()).toBe('3 values');
        expect(await page.locator('#bars .class').allInnerTexts()).toEqual(['price', 'days', 'risk']);
        const shown = await page.locator('#bars .probability').allInnerTexts();
        expect(
          shown.every((text) => /^-?[\d.,E-]+$/.test(text)),
          shown.join(' '),
        ).toBe(true);
        await page.getByRole('button', { name: 'Try with the row above' }).click();
        await page.getByText(/^1 of 1 rows predicted/).waitFor();
        expect(await page.locator('td.prediction').innerText()).toBe(shown.join(', '));
      }),
    );
  });

  it('shows the score of an outlier', () => {
    const signature: Signature = {
      task: 'outlier-detection',
      inputs: ['a', 'b', 'c', 'd'].map((name) => ({ name, onnx: 'X', type: 'number', nullable: false })),
      outputs: { label: 'label', classes: [-1, 1], score: 'scores' },
    };
    return withModel(signature, join(HOME, 'server/testing/bare/one-class-svm.onnx'), (url) =>
      withVisit(browser, url, async ({ page }) => {
        await page.locator('#headline[data-state=answer]').waitFor();
        expect(await page.locator('#prediction').innerText()).toMatch(/^-?1$/);
        expect(await page.locator('#prediction-detail').innerText()).toMatch(/^score -?[\d.]+/);
      }),
    );
  });
});
