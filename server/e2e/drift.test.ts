import { cpSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { nginxMissing } from '../../proxy/testing/nginxMissing.ts';
import { fromHome } from '../platform/install.ts';
import type { AdultRow } from '../testing/adultRows.ts';
import { ADULT_COLUMNS, readAdultRows } from '../testing/adultRows.ts';
import { scrape } from '../testing/scrape.ts';
import type { Server } from '../testing/startServer.ts';
import { startServer, withServer } from '../testing/startServer.ts';
import { withTemporaryFolder } from '../testing/temporaryFolder.ts';
import { putVersion, tinyFiles } from '../testing/tinyRepository.ts';
import { eventually } from '../testing/withDeadline.ts';
import { chromiumMissing, fitsWidth, needsChromium, startBrowser, withVisit } from '../testing/browser.ts';
import type { DriftReport } from '../observers/drift/report.ts';

vi.setConfig({ testTimeout: 180_000, hookTimeout: 120_000 });

const CHUNK = 100;
const DEADLINE_MS = 60_000;
const JSON_BODY = { 'content-type': 'application/json' };
const BROWSER = 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8';

const post = async (server: Server, path: string, body: unknown): Promise<void> => {
  const init = { method: 'POST', headers: JSON_BODY, body: JSON.stringify(body) };
  const response = await fetch(`http://127.0.0.1:${server.port}${path}`, init);
  expect(response.status, await response.text()).toBe(200);
};
const readDrift = async (server: Server, model: string): Promise<DriftReport> => {
  const response = await fetch(`http://127.0.0.1:${server.port}/models/${model}/drift`);
  expect([response.status, response.headers.get('content-type')]).toEqual([200, 'application/json']);
  return (await response.json()) as DriftReport;
};
/** The report once the rows of all processes are counted. */
const reportOf = (server: Server, model: string, rows: number): Promise<DriftReport> =>
  eventually(
    `${rows} rows of ${model} in the window`,
    async () => {
      const report = await readDrift(server, model);
      return report.window.rows === rows && report;
    },
    DEADLINE_MS,
  );
const verdicts = ({ columns }: DriftReport): Record<string, string> =>
  Object.fromEntries(columns.map(({ name, verdict }) => [name, verdict]));

/** Two processes behind nginx, which distributes requests in turn. */
describe.skipIf(nginxMissing)(nginxMissing ? `drift (${nginxMissing})` : 'drift', () => {
  const split: readonly AdultRow[] = nginxMissing ? [] : readAdultRows();
  let repository: string;
  let server: Server;

  /** Sends the official test split, with other ages if given. */
  const send = async (model: string, age = (cell: number): number => cell): Promise<void> => {
    for (let from = 0; from < split.length; from += CHUNK) {
      const data = split
        .slice(from, from + CHUNK)
        .map(({ cells: [first, ...others] }) => [age(first as number), ...others]);
      await post(server, `/models/${model}/predict`, { columns: ADULT_COLUMNS, data });
    }
  };

  beforeEach(async () => {
    repository = mkdtempSync(join(tmpdir(), 'servemodel-drift.'));
    for (const [from, to] of [
      ['adult/1', 'adult/1'],
      ['adult/2', 'shifted/1'],
    ] as const) {
      mkdirSync(join(repository, to), { recursive: true });
      cpSync(fromHome(`models/${from}`), join(repository, to), { recursive: true });
    }
    server = await startServer({ env: { MODEL_REPOSITORY: repository } });
  });
  afterEach(async () => {
    await server.clean();
    rmSync(repository, { recursive: true });
  });

  /** Sends the split with all ages twenty years higher. */
  const shift = async (): Promise<DriftReport> => {
    await send('shifted', (age) => age + 20);
    return reportOf(server, 'shifted', split.length);
  };

  it('is absent in the official test split, whose rows stay in the window when processes are killed', async () => {
    expect(await readDrift(server, 'adult')).toMatchObject({
      verdict: 'not_enough_rows',
      window: { rows: 0 },
    });
    await send('adult');
    const report = await reportOf(server, 'adult', split.length);
    expect(Object.entries(verdicts(report)).filter(([, verdict]) => verdict !== 'stable')).toEqual([]);
    expect(report.columns).toHaveLength(ADULT_COLUMNS.length);
    expect(report.predictions?.verdict).toBe('stable');
    expect(report).toMatchObject({ verdict: 'stable', window: { ms: 600_000 } });

    // Their counts outlive them: at the end, all counts are of processes that have ended.
    for (const pid of server.serverProcesses()) {
      process.kill(pid, 'SIGKILL');
      await eventually(
        'another process in its place',
        () => {
          const now = server.serverProcesses();
          return now.length === 2 && !now.includes(pid);
        },
        DEADLINE_MS,
      );
      await eventually(
        'two that are ready',
        async () => (await scrape(server)).sum('server_processes') === 2,
        DEADLINE_MS,
      );
      expect((await reportOf(server, 'adult', split.length)).verdict).toBe('stable');
    }
    await send('adult');
    expect((await reportOf(server, 'adult', 2 * split.length)).verdict).toBe('stable');
  });

  it('is reported for the column that shifts, and for no other', async () => {
    const report = await shift();
    const { age, ...others } = verdicts(report);
    expect(age).toBe('major');
    expect(new Set(Object.values(others))).toEqual(new Set(['stable']));
    expect(report.verdict).toBe('major');

    const metrics = await scrape(server);
    const of = (name: string, ...labels: string[]): number =>
      metrics.sum(name, 'model="shifted",version="1"', ...labels);
    expect(of('model_window_rows')).toBe(split.length);
    expect(of('model_drift_psi', 'column="age"')).toBeCloseTo(report.columns[0]?.psi as number, 10);
    expect(of('model_drift_psi', 'column="fnlwgt"')).toBeLessThan(0.1);
    expect(of('model_prediction_drift_psi')).toBeGreaterThan(0);
    expect(of('model_prediction_ratio')).toBeCloseTo(1, 10);
    expect(metrics.text).toMatch(/^model_unknown_ratio\{model="shifted",version="1",column="sex"\} 0$/m);
    expect(metrics.text).toMatch(/^model_missing_ratio\{model="shifted",version="1",column="age"\} 0$/m);
  });

  it('is shown as a page to a browser', async () => {
    await shift();
    const url = `http://127.0.0.1:${server.port}/models/shifted/drift`;
    const page = await fetch(url, { headers: { accept: BROWSER } });
    expect(page.headers.get('content-type')).toBe('text/html; charset=utf-8');
    expect(page.headers.get('content-security-policy')).toMatch(/^default-src 'none'; script-src 'self'/);
    expect(page.headers.get('vary')).toMatch(/(^|, )accept$/);
    const text = await page.text();
    expect(text).toContain('Drift of shifted/1');
    expect(text).toContain('<code>&gt; 58</code>');
    expect(text).not.toMatch(/<script|style=|http:|https:/);
    expect((await fetch(url, { headers: { accept: 'text/csv' } })).status).toBe(406);
    expect((await fetch(`http://127.0.0.1:${server.port}/models/none/drift`)).status).toBe(404);
  });

  it.skipIf(chromiumMissing)(
    needsChromium('is shown by a browser, by day, at night, and on a phone'),
    async () => {
      await shift();
      const browser = await startBrowser();
      try {
        const url = `http://127.0.0.1:${server.port}/models/shifted/drift`;
        for (const view of [{}, { dark: true }, { width: 390, height: 800 }]) {
          await withVisit(
            browser,
            url,
            async ({ page }) => {
              expect(await page.locator('h1').innerText()).toMatch(/^Drift of shifted\/1\s+major shift$/);
              expect(await page.locator('section').count()).toBe(ADULT_COLUMNS.length + 1);
              expect(await fitsWidth(page)).toBe(true);
              // Drawn, with the style sheet.
              const bar = page.locator('rect.window').first();
              expect((await bar.boundingBox())?.width).toBeGreaterThan(0);
              expect(await bar.evaluate('(bar) => getComputedStyle(bar).fill')).not.toBe('rgb(0, 0, 0)');
            },
            view,
          );
        }
      } finally {
        await browser.close();
      }
    },
  );
});

it('reports what it can of a model without training data, and drops it with the window', async () => {
  await withTemporaryFolder(async (folder) => {
    putVersion(folder, 'tiny/1', tinyFiles(1));
    const env = { MODEL_REPOSITORY: folder, WEB_CONCURRENCY: '1', DRIFT_WINDOW_MS: '2000' };
    await withServer({ args: ['--no-install', '--no-proxy'], env }, async (server) => {
      // Repeatedly: on a busy machine two seconds may pass between any two steps.
      const report = await eventually(
        'rows in the window',
        async () => {
          await post(server, '/predict', { columns: ['x'], data: [[0]] });
          const found = await readDrift(server, 'tiny');
          return found.window.rows > 0 && found;
        },
        DEADLINE_MS,
      );
      const { rows } = report.window;
      expect(report).toEqual({
        name: 'tiny',
        version: 1,
        verdict: 'no_training_distribution',
        window: { ms: 2000, rows, sampledRows: rows, leastRows: 200 },
        thresholds: { moderate: 0.1, major: 0.25 },
        columns: [
          {
            name: 'x',
            verdict: 'no_training_distribution',
            psi: null,
            leastRows: null,
            bins: [{ bin: 'present', expected: null, observed: 1 }],
          },
        ],
        predictions: null,
      });
      await reportOf(server, 'tiny', 0);
    });
  });
});

it('counts nothing when it is off', async () => {
  await withTemporaryFolder(async (folder) => {
    putVersion(folder, 'tiny/1', tinyFiles(1));
    const env = { MODEL_REPOSITORY: folder, WEB_CONCURRENCY: '1', DRIFT_WINDOW_MS: '0' };
    await withServer({ args: ['--no-install', '--no-proxy'], env }, async (server) => {
      await post(server, '/predict', { columns: ['x'], data: [[0]] });
      expect((await fetch(`http://127.0.0.1:${server.port}/models/tiny/drift`)).status).toBe(404);
      expect((await scrape(server)).text).not.toContain('model_window_rows');
    });
  });
});
