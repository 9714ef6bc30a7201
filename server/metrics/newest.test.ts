import { Registry } from 'prom-client';
import { expect, it, vi } from 'vitest';
import type { MetricObject } from './aggregate.ts';
import { createAggregator } from './aggregate.ts';
import { createLatest } from './families.ts';

type Snapshot = readonly MetricObject[];

/** What a process tells that has set these values, each at a time. */
async function tell(values: readonly (readonly [label: string, value: number, time: number])[]) {
  const registry = new Registry();
  const latest = createLatest(registry, { name: 'model_result', help: 'The last predicted value.' });
  const now = vi.spyOn(Date, 'now');
  for (const [model, value, time] of values) {
    now.mockReturnValue(time);
    latest({ model }).set(value);
  }
  now.mockRestore();
  // As it crosses the border between processes.
  return JSON.parse(JSON.stringify(await registry.getMetricsAsJSON())) as Snapshot;
}

const lines = (text: string): string[] => text.split('\n').filter((line) => line.startsWith('model_result'));

it('shows the newest value of all processes, series by series, and none that nobody set', async () => {
  const aggregator = createAggregator();
  aggregator.update(1, await tell([['a', 10, 2000], ['b', 1, 5000]])); // prettier-ignore
  aggregator.update(2, await tell([['a', 20, 1000], ['b', 2, 6000]])); // prettier-ignore
  aggregator.update(3, await tell([]));
  expect(lines(await aggregator.expose([]))).toEqual([
    'model_result{model="a"} 10',
    'model_result{model="b"} 2',
  ]);
  aggregator.update(2, await tell([['a', 30, 3000]]));
  expect(lines(await aggregator.expose([]))).toEqual([
    'model_result{model="b"} 1',
    'model_result{model="a"} 30',
  ]);
});

it('forgets what a process said that is gone, as of every gauge', async () => {
  const aggregator = createAggregator();
  aggregator.update(1, await tell([['a', 10, 1000]]));
  aggregator.update(2, await tell([['a', 20, 2000]]));
  await aggregator.retire(2);
  expect(lines(await aggregator.expose([]))).toEqual(['model_result{model="a"} 10']);
});
