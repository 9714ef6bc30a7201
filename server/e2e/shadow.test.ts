import { afterEach, describe, expect, it, vi } from 'vitest';
import { withServer } from '../testing/startServer.ts';
import { scrape } from '../testing/scrape.ts';
import { withTemporaryFolder } from '../testing/temporaryFolder.ts';
import { createFakePool } from '../testing/fakePool.ts';
import { tinyModel } from '../testing/tinyModel.ts';
import { putVersion, tinyFiles } from '../testing/tinyRepository.ts';
import { eventually, withDeadline } from '../testing/withDeadline.ts';
import { createComparison } from '../observers/shadow/compare.ts';
import type { ShadowRecorder } from '../observers/shadow/metrics.ts';
import { createShadow } from '../observers/shadow/shadow.ts';

vi.setConfig({ testTimeout: 90_000 });

const served = tinyModel();
const candidate = { ...tinyModel(), version: 2, id: 'tiny/2', key: 'tiny/2' };
const other = { ...tinyModel('other'), version: 2, id: 'other/2', key: 'other/2' };

const shadows: ReturnType<typeof createShadow>[] = [];
afterEach(() => Promise.all(shadows.splice(0).map((shadow) => shadow.close())));

async function start(busy = () => false) {
  const pool = createFakePool(1);
  pool.onRun = (run) => setImmediate(() => run.finish());
  const recorder = {
    compared: vi.fn<ShadowRecorder['compared']>(),
    dropped: vi.fn<ShadowRecorder['dropped']>(),
    failed: vi.fn<ShadowRecorder['failed']>(),
  };
  const shadow = createShadow({ pool, recorder, busy, onFailed: (_, reason) => expect.fail(reason) });
  shadows.push(shadow);
  await shadow.follow([candidate, other]);
  return { pool, recorder, shadow };
}

/** Rows x = 0, 1, … with the served model's answers, `x + difference`. */
const rowsOf = (count: number, difference = 0) => ({
  table: { columns: ['x'], data: Array.from({ length: count }, (_, x) => [x]) },
  answers: Float64Array.from({ length: count }, (_, x) => 2 * x + difference),
});

describe('a shadow', () => {
  it('scores every row of its own model, and reports the differences', async () => {
    const { pool, recorder, shadow } = await start();
    const { table, answers } = rowsOf(150, 0.25);
    shadow.offer(served, table, answers);
    await eventually('all rows', () => recorder.compared.mock.calls.length === 150);
    for (const [model, by, difference] of recorder.compared.mock.calls) {
      expect([model, by, difference]).toEqual([served, candidate, { flipped: false, score: 0.25 }]);
    }
    expect(pool.runs.map(({ values }) => values.length)).toEqual([64, 64, 22]);
    expect(recorder.failed).not.toHaveBeenCalled();
  });

  it('takes rows by name', async () => {
    const { recorder, shadow } = await start();
    const table = { columns: ['x'], data: [{ x: 3 }], byName: true };
    shadow.offer(served, table, Float64Array.of(6));
    await eventually('the row', () => recorder.compared.mock.calls.length === 1);
    expect(recorder.compared.mock.lastCall?.[2]).toEqual({ flipped: false, score: 0 });
  });

  it('waits while requests wait', async () => {
    let busy = true;
    const { pool, recorder, shadow } = await start(() => busy);
    const { table, answers } = rowsOf(1);
    shadow.offer(served, table, answers);
    await expect(eventually('a run', () => pool.runs.length > 0, 200)).rejects.toThrow();
    busy = false;
    await eventually('the row', () => recorder.compared.mock.calls.length === 1);
  });

  it('drops and counts rows that it has no room for', async () => {
    const { recorder, shadow } = await start(() => true);
    const { table, answers } = rowsOf(2000);
    shadow.offer(served, table, answers);
    shadow.offer(served, table, answers);
    shadow.offer(served, table, answers);
    expect(recorder.dropped.mock.calls.map(([, , rows]) => rows)).toEqual([1952, 2000]);
  });

  it('counts rows that it refuses or fails on, and continues', async () => {
    const { pool, recorder, shadow } = await start();
    shadow.offer(served, { columns: ['x'], data: [['text']] }, Float64Array.of(0));
    await eventually('the refused row', () => recorder.failed.mock.calls.length === 1);
    pool.onRun = (run) => setImmediate(() => run.finish({ ok: false, code: 'run_failed', detail: 'so' }));
    const { table, answers } = rowsOf(3);
    shadow.offer(served, table, answers);
    await eventually('the failed rows', () => recorder.failed.mock.calls.length === 2);
    expect(recorder.failed.mock.lastCall).toEqual([served, candidate, 3]);
    await withDeadline('its end', shadow.close());
  });
});

describe('a comparison of classifiers', () => {
  const classes = (...names: string[]) =>
    ({ task: 'classification', label: 'l', probabilities: 'p', classes: names }) as const;

  it('finds classes by name', () => {
    const compare = createComparison(classes('no', 'yes'), classes('yes', 'no'));
    expect(compare?.(Float64Array.of(0, 0.75, 0.25), Float64Array.of(1, 0.5, 0.5), 0)).toEqual({
      flipped: false,
      score: 0.25,
    });
    expect(compare?.(Float64Array.of(0, 0.75, 0.25), Float64Array.of(0, 0.75, 0.25), 0)).toEqual({
      flipped: true,
      score: 0.5,
    });
  });

  it('has only flips if the classes differ, and nothing if one model is a regression', () => {
    const compare = createComparison(classes('no', 'yes'), classes('no', 'yes', 'maybe'));
    expect(compare?.(Float64Array.of(1, 0, 1), Float64Array.of(2, 0, 0, 1), 0)).toEqual({
      flipped: true,
      score: NaN,
    });
    expect(createComparison(classes('no', 'yes'), { task: 'regression', value: 'v' })).toBeUndefined();
  });
});

it('SHADOW scores the traffic of all processes, and reports the sum', async () => {
  await withTemporaryFolder(async (repository) => {
    putVersion(repository, 'tiny/1', tinyFiles(1));
    putVersion(repository, 'tiny/2', tinyFiles(2));
    const env = {
      MODEL_REPOSITORY: repository,
      MODEL_VERSIONS: 'tiny=1',
      SHADOW: 'tiny/2',
      OPEN_VERSIONS: '1',
    };
    await withServer({ args: ['--no-install', '--no-proxy'], env }, async (server) => {
      const headers = { connection: 'close', 'content-type': 'application/json' };
      const url = `http://127.0.0.1:${server.port}`;
      const body = JSON.stringify({ columns: ['x'], data: [[0], [1]] });
      const report = async () =>
        (await (await fetch(`${url}/models/tiny/shadow`)).json()) as {
          shadows: { rows: number; dropped: number; scoreDifference: { mean: number } }[];
        };
      for (let count = 0; count < 40; count++) {
        // One connection a request, so that all processes get some.
        const answer = await fetch(`${url}/predict`, { method: 'POST', body, headers });
        expect(answer.headers.get('x-model')).toBe('tiny/1');
        expect(await answer.text()).toBe('{"predictions":[1,1.5]}');
      }
      const scored = async () => {
        const [shadow] = (await report()).shadows;
        return shadow?.rows === 80 && shadow;
      };
      const shadow = await eventually('all rows scored', scored, 20_000);
      expect(shadow).toMatchObject({ version: 2, flips: 0, flipRate: 0, dropped: 0, failed: 0 });
      expect(shadow.scoreDifference.mean).toBeCloseTo(1, 5);
      const metrics = await scrape(server);
      expect(metrics.sum('shadow_rows_total', 'version="1"', 'shadow="2"')).toBe(80);
      // The candidate answers under its own version only.
      expect((await fetch(`${url}/models/nope/shadow`)).status).toBe(404);
    });
  });
});
