import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import { describe, expect, it } from 'vitest';
import type { MetricObject } from './aggregate.ts';
import { createAggregator } from './aggregate.ts';

type Snapshot = readonly MetricObject[];

/** The metrics of a process that answered so many requests. */
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
  return JSON.parse(JSON.stringify(await registry.getMetricsAsJSON())) as Snapshot;
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
    const text = await aggregator.expose(await snapshot(10, 0));
    expect(valueOf(text, REQUESTS)).toBe(17);
    expect(valueOf(text, 'seconds_count')).toBe(17);
    expect(valueOf(text, 'seconds_bucket{le="1"}')).toBe(17);
    expect(valueOf(text, 'in_flight')).toBe(6);
  });

  it('takes the newest counts of a process', async () => {
    const aggregator = createAggregator();
    aggregator.update(1, await snapshot(3));
    aggregator.update(1, await snapshot(5, 0));
    const text = await aggregator.expose([]);
    expect([valueOf(text, REQUESTS), valueOf(text, 'in_flight')]).toEqual([5, 0]);
  });

  it('keeps the counters of a process that is gone, and drops its gauges', async () => {
    const aggregator = createAggregator();
    aggregator.update(1, await snapshot(3));
    aggregator.update(2, await snapshot(4, 5));
    await aggregator.retire(2);
    const text = await aggregator.expose([]);
    expect(valueOf(text, REQUESTS)).toBe(7);
    expect(valueOf(text, 'seconds_sum')).toBe(3.5);
    expect(valueOf(text, 'in_flight')).toBe(1);
    await aggregator.retire(1);
    expect(valueOf(await aggregator.expose([]), 'in_flight')).toBeUndefined();
  });

  it('keeps the counters of all that end at the same time, and never shows less in between', async () => {
    const aggregator = createAggregator();
    for (let pid = 1; pid <= 4; pid++) aggregator.update(pid, await snapshot(pid));
    const retired = Promise.all([1, 2, 3, 4].map((pid) => aggregator.retire(pid)));
    expect(valueOf(await aggregator.expose([]), REQUESTS)).toBe(10);
    await retired;
    expect(valueOf(await aggregator.expose([]), REQUESTS)).toBe(10);
  });

  it('retires a process that never sent counts, and one twice', async () => {
    const aggregator = createAggregator();
    aggregator.update(1, await snapshot(3));
    for (const pid of [9, 1, 1]) await aggregator.retire(pid);
    expect(valueOf(await aggregator.expose([]), REQUESTS)).toBe(3);
  });
});
