import { Registry } from 'prom-client';
import { afterEach, expect, it } from 'vitest';
import type { Model } from '../../model/model.ts';
import { tinyModel } from '../../testing/tinyModel.ts';
import { registerDriftMetrics } from './metrics.ts';
import type { DriftWindows } from './windows.ts';
import { createDriftWindows } from './windows.ts';
import { createTally } from './tally.ts';

const open: DriftWindows[] = [];
afterEach(() => open.splice(0).forEach((windows) => windows.close()));

/** A window that never slides by itself. */
function create(): DriftWindows {
  const windows = createDriftWindows(604_800_000);
  open.push(windows);
  return windows;
}

const base = tinyModel();
const model: Model = {
  ...base,
  signature: {
    ...base.signature,
    inputs: [
      {
        name: 'x',
        onnx: 'x',
        type: 'number',
        nullable: true,
        distribution: { rows: 10_000, edges: [0], shares: [0.5, 0.5] },
      },
    ],
  },
};

/** A process, by its number, that counts rows of x. */
function createProcess(windows: DriftWindows, id: number) {
  const tally = createTally(model);
  const { profile, counts } = tally;
  windows.receive(id, { type: 'observing', profiles: [profile] });
  return (...values: readonly (number | null)[]) => {
    const data = values.map((value) => [value]);
    tally.take(
      { columns: ['x'], data },
      { rows: data.length, cells: new Float64Array(0), texts: [], warnings: [], warningsTotal: 0 },
      new Float64Array(data.length),
    );
    windows.receive(id, { type: 'observed', counts: [[profile.key, Array.from(counts)]] });
  };
}
const times = (count: number, value: number): number[] => new Array<number>(count).fill(value);
const reportOf = (windows: DriftWindows) => windows.report(model.key);

it('takes the index of the sum of all processes, not the sum of their indices', () => {
  const windows = create();
  // Each process alone has drifted; the server hasn't.
  createProcess(windows, 1)(...times(250, -1));
  createProcess(windows, 2)(...times(250, 1));
  expect(reportOf(windows)).toMatchObject({
    verdict: 'stable',
    window: { rows: 500, sampledRows: 500 },
    columns: [{ psi: 0, verdict: 'stable' }],
  });
});

it('forgets counts that are older than ten steps, also those of a process that has ended', () => {
  const windows = create();
  const first = createProcess(windows, 1);
  const second = createProcess(windows, 2);
  first(...times(100, 1));
  windows.slide();
  second(...times(50, 1));
  windows.retire(1);
  // Its last message may arrive after its end, and must not count.
  first(...times(100, 1));
  expect(reportOf(windows)?.window.rows).toBe(150);
  for (let step = 0; step < 8; step++) windows.slide();
  expect(reportOf(windows)?.window.rows).toBe(150);
  windows.slide();
  expect(reportOf(windows)?.window.rows).toBe(50);
  windows.slide();
  expect(reportOf(windows)?.window.rows).toBe(0);
});

it('gives no index with too few rows, and reports how many it needs', () => {
  const windows = create();
  const count = createProcess(windows, 1);
  expect(reportOf(windows)?.columns[0]).toMatchObject({ verdict: 'not_enough_rows', psi: null });
  count(...times(199, 1));
  expect(reportOf(windows)).toMatchObject({
    verdict: 'not_enough_rows',
    columns: [{ psi: null, leastRows: 200 }],
  });
  count(1);
  expect(reportOf(windows)).toMatchObject({ verdict: 'major', columns: [{ verdict: 'major' }] });
});

it('drops a version that no process has open once its rows have passed', () => {
  const windows = create();
  createProcess(windows, 1)(1, 1);
  windows.receive(1, { type: 'observing', profiles: [] });
  expect(windows.reports()).toEqual([]);
  expect(reportOf(windows)?.window.rows).toBe(2);
  for (let step = 0; step < 10; step++) windows.slide();
  expect(reportOf(windows)).toBeUndefined();
});

it('keeps the counts of a version that a process closed and opened again', () => {
  const windows = create();
  createProcess(windows, 1)(...times(100, 1));
  windows.slide();
  windows.receive(1, { type: 'observing', profiles: [] });
  const again = createProcess(windows, 1);
  again(...times(30, 1));
  expect(reportOf(windows)?.window.rows).toBe(130);
  for (let step = 0; step < 9; step++) windows.slide();
  expect(reportOf(windows)?.window.rows).toBe(30);
  windows.slide();
  again(...times(5, 1));
  expect(reportOf(windows)?.window.rows).toBe(5);
});

it('exposes only values that are known', async () => {
  const windows = create();
  const registry = new Registry();
  registerDriftMetrics(registry, windows.reports);
  const samples = async () =>
    (await registry.metrics()).split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  expect(await samples()).toEqual([]);
  const count = createProcess(windows, 1);
  count(1, null);
  expect(await samples()).toEqual(['model_window_rows{model="tiny",version="1"} 2']);
  count(...times(149, -1), ...times(149, 1));
  expect(await samples()).toEqual([
    'model_window_rows{model="tiny",version="1"} 300',
    expect.stringMatching(/^model_drift_psi\{model="tiny",version="1",column="x"\} 0\.0/),
    `model_missing_ratio{model="tiny",version="1",column="x"} ${1 / 300}`,
  ]);
});
