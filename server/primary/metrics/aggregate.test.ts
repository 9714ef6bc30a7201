import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import { describe, expect, it, vi } from 'vitest';
import { createAggregator } from './aggregate.ts';
import { createLatest } from '../../metrics/families.ts';
import type { Snapshot } from '../../metrics/snapshot.ts';
import { takeSnapshot } from '../../metrics/snapshot.ts';

/** The metrics of a process that answered this many requests. */
async function snapshot(requests: number, inFlight = 1): Promise<Snapshot> {
  const registry = new Registry();
  const registers = [registry];
  new Counter({ name: 'requests_total', help: 'h', labelNames: ['route'], registers }).inc(
    { route: '/' },
    requests,
  );
  new Gauge({ name: 'in_flight', help: 'h', registers }).set(inFlight);
  const seconds = new Histogram({ name: 'seconds', help: 'h', buckets: [1], registers });
  for (let at = 0; at < requests; at++) seconds.observe(0.5);
  // As it arrives from another process.
  return JSON.parse(JSON.stringify(await takeSnapshot(registry))) as Snapshot;
}

function valueOf(text: string, metric: string): number | undefined {
  const line = text.split('\n').find((each) => each.startsWith(`${metric} `));
  return line === undefined ? undefined : Number(line.slice(metric.length + 1));
}

const REQUESTS = 'requests_total{route="/"}';

describe('the aggregator', () => {
  it("sums the processes' counts and the primary's own", async () => {
    const aggregator = createAggregator();
    aggregator.update(1, await snapshot(3));
    aggregator.update(2, await snapshot(4, 5));
    const text = aggregator.expose(await snapshot(10, 0));
    expect(valueOf(text, REQUESTS)).toBe(17);
    expect(valueOf(text, 'seconds_count')).toBe(17);
    expect(valueOf(text, 'seconds_bucket{le="1"}')).toBe(17);
    expect(valueOf(text, 'in_flight')).toBe(6);
  });

  it('takes the newest counts of a process', async () => {
    const aggregator = createAggregator();
    aggregator.update(1, await snapshot(3));
    aggregator.update(1, await snapshot(5, 0));
    const text = aggregator.expose([]);
    expect([valueOf(text, REQUESTS), valueOf(text, 'in_flight')]).toEqual([5, 0]);
  });

  it('keeps the counters of a process that has exited, and drops its gauges', async () => {
    const aggregator = createAggregator();
    aggregator.update(1, await snapshot(3));
    aggregator.update(2, await snapshot(4, 5));
    aggregator.retire(2);
    const text = aggregator.expose([]);
    expect(valueOf(text, REQUESTS)).toBe(7);
    expect(valueOf(text, 'seconds_sum')).toBe(3.5);
    expect(valueOf(text, 'in_flight')).toBe(1);
    aggregator.retire(1);
    expect(valueOf(aggregator.expose([]), 'in_flight')).toBeUndefined();
  });

  it('keeps the families that an update leaves out', async () => {
    const aggregator = createAggregator();
    aggregator.update(1, await snapshot(3, 5));
    aggregator.update(1, (await snapshot(4)).slice(0, 1));
    const text = aggregator.expose([]);
    expect([valueOf(text, REQUESTS), valueOf(text, 'in_flight'), valueOf(text, 'seconds_count')]).toEqual([
      4, 5, 3,
    ]);
    expect(aggregator.sums('seconds').map(({ name }) => name)).toEqual(['seconds']);
  });

  it('never shows a smaller total, in any order of exits', async () => {
    const aggregator = createAggregator();
    const registry = new Registry();
    const cpu = new Counter({ name: 'cpu_seconds_total', help: 'h', registers: [registry] });
    let before = 0;
    // 0.1 + 0.2 + 0.3 depends on the order, in its last digit.
    for (let id = 1; id <= 300; id++) {
      cpu.inc(0.1);
      aggregator.update(id, await takeSnapshot(registry));
      if (id > 3) aggregator.retire(id % 2 === 0 ? id - 1 : id - 3);
      const now = valueOf(aggregator.expose([]), 'cpu_seconds_total') as number;
      expect(now).toBeGreaterThan(before);
      before = now;
    }
  });

  it('retires a process without counts, and one twice; counts after the exit are ignored', async () => {
    const aggregator = createAggregator();
    aggregator.update(1, await snapshot(3));
    for (const pid of [9, 1, 1]) aggregator.retire(pid);
    aggregator.update(1, await snapshot(4));
    expect(valueOf(aggregator.expose([]), REQUESTS)).toBe(3);
  });

  it('merges a gauge of several processes as its family says', async () => {
    const aggregator = createAggregator();
    for (const [id, value] of [2, 7, NaN, 3].entries()) {
      const registry = new Registry();
      for (const merge of ['sum', 'average', 'min', 'max', 'first', 'omit'] as const)
        new Gauge({ name: merge, help: 'h', registers: [registry], aggregator: merge }).set(value);
      // NaN becomes null on its way.
      aggregator.update(id + 1, JSON.parse(JSON.stringify(await takeSnapshot(registry))) as Snapshot);
    }
    const text = aggregator.expose([]);
    expect(['sum', 'average', 'min', 'max', 'first', 'omit'].map((name) => valueOf(text, name))).toEqual([
      12,
      4,
      2,
      7,
      2,
      undefined,
    ]);
  });

  it('lets the sum of a histogram decrease with negative values', async () => {
    const aggregator = createAggregator();
    const registry = new Registry();
    const value = new Histogram({ name: 'value', help: 'h', buckets: [1], registers: [registry] });
    for (const observed of [2, -5]) {
      value.observe(observed);
      aggregator.update(1, await takeSnapshot(registry));
    }
    expect(valueOf(aggregator.expose([]), 'value_sum')).toBe(-3);
  });
});

describe('a gauge whose newest value counts', () => {
  /** The counts of a process that has set these values, each at a time. */
  async function snapshotOf(values: readonly (readonly [label: string, value: number, time: number])[]) {
    const registry = new Registry();
    const latest = createLatest(registry, { name: 'model_result', help: 'The last predicted value.' });
    const now = vi.spyOn(Date, 'now');
    for (const [model, value, time] of values) {
      now.mockReturnValue(time);
      latest({ model }).set(value);
    }
    latest({ model: 'forgotten' }).set(1);
    latest({ model: 'forgotten' }).forget();
    now.mockRestore();
    return takeSnapshot(registry);
  }
  const lines = (text: string): string[] =>
    text.split('\n').filter((line) => line.startsWith('model_result'));

  it('shows the newest value of all processes for each series that was set', async () => {
    const aggregator = createAggregator();
    aggregator.update(1, await snapshotOf([['a', 10, 2000], ['b', 1, 5000]])); // prettier-ignore
    aggregator.update(2, await snapshotOf([['a', 20, 1000], ['b', 2, 6000]])); // prettier-ignore
    aggregator.update(3, await snapshotOf([]));
    expect(lines(aggregator.expose([]))).toEqual(['model_result{model="a"} 10', 'model_result{model="b"} 2']);
    aggregator.update(2, await snapshotOf([['a', 30, 3000]]));
    expect(lines(aggregator.expose([]))).toEqual(['model_result{model="a"} 30', 'model_result{model="b"} 1']);
  });

  it('forgets the value of a process that has exited, as of every gauge', async () => {
    const aggregator = createAggregator();
    aggregator.update(1, await snapshotOf([['a', 10, 1000]]));
    aggregator.update(2, await snapshotOf([['a', 20, 2000]]));
    aggregator.retire(2);
    expect(lines(aggregator.expose([]))).toEqual(['model_result{model="a"} 10']);
  });
});
