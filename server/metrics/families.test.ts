import { Counter, Histogram, Registry } from 'prom-client';
import { describe, expect, it } from 'vitest';
import { createAggregator } from '../primary/metrics/aggregate.ts';
import { createCounter, createHistogram, memo } from './families.ts';
import { takeSnapshot } from './snapshot.ts';

const BUCKETS = [0.1, 1, 10];
const VALUES = [0.05, 0.1, 0.5, 1, 10, 11];

/** The same observations by prom-client's own metrics and by ours. */
function registries(): readonly [theirs: Registry, ours: Registry] {
  const theirs = new Registry();
  const counter = new Counter({
    name: 'rows_total',
    help: 'Rows.',
    labelNames: ['model'],
    registers: [theirs],
  });
  const histogram = new Histogram({
    name: 'run_seconds',
    help: 'Time.',
    labelNames: ['model'],
    buckets: BUCKETS,
    registers: [theirs],
  });
  const ours = new Registry();
  const rows = createCounter(ours, { name: 'rows_total', help: 'Rows.' });
  const times = createHistogram(ours, { name: 'run_seconds', help: 'Time.' }, BUCKETS);
  for (const model of ['a', 'b "quoted"']) {
    for (const value of VALUES) {
      counter.inc({ model }, 2);
      histogram.observe({ model }, value);
      rows({ model }).add(2);
      times({ model }).observe(value);
    }
  }
  return [theirs, ours];
}

describe('a family', () => {
  it('is exposed as prom-client exposes its own families', async () => {
    const [theirs, ours] = await Promise.all(registries().map((registry) => registry.metrics()));
    expect(ours).toBe(theirs);
  });

  it('is exposed over processes as in one process, and so is a family of prom-client', async () => {
    for (const registry of registries())
      expect(createAggregator().expose(await takeSnapshot(registry))).toBe(await registry.metrics());
  });

  it('adds up over processes', async () => {
    const registry = new Registry();
    createCounter(registry, { name: 'rows_total', help: 'Rows.' })({ model: 'a' }).add(3);
    createHistogram(registry, { name: 'run_seconds', help: 'Time.' }, BUCKETS)({}).observe(5);
    const aggregator = createAggregator();
    for (const id of [1, 2]) aggregator.update(id, await takeSnapshot(registry));
    const text = aggregator.expose([]);
    expect(text).toMatch(/^rows_total\{model="a"\} 6$/m);
    expect(text).toMatch(/^run_seconds_bucket\{le="10"\} 2$/m);
    expect(text).toMatch(/^run_seconds_sum 10$/m);
  });
});

describe('memo', () => {
  it('makes a value once for each key', () => {
    const made: string[] = [];
    const get = memo((key: string) => made.push(key));
    expect([get('a'), get('b'), get('a')]).toEqual([1, 2, 1]);
    expect(made).toEqual(['a', 'b']);
  });
});
