import { afterEach, expect, it } from 'vitest';
import type { LagMeter } from './eventLoopLag.ts';
import { createLagMeter } from './eventLoopLag.ts';

let share = 0;
let meter: LagMeter;
const look = (times = 1, lateMs = 0): void => {
  for (let time = 0; time < times; time++) meter.look(lateMs);
};
const block = (ms: number): void => {
  for (const until = performance.now() + ms; performance.now() < until;);
};
afterEach(() => {
  share = 0;
  look(10);
});

it('samples while the event loop works, and only then', () => {
  meter = createLagMeter(() => share);
  look(5);
  expect(meter.sampling).toBe(false);
  share = 0.5;
  look();
  expect(meter.sampling).toBe(true);
  share = 0.02;
  look();
  expect(meter.sampling).toBe(true);
  look(3);
  expect(meter.sampling).toBe(false);
});

it('measures how late the event loop is, without the interval of the samples', async () => {
  meter = createLagMeter(() => share);
  share = 1;
  look();
  await new Promise((resolve) => setTimeout(resolve, 30));
  block(200);
  // The sampler's own timer is due before this one.
  await new Promise((resolve) => setTimeout(resolve, 30));
  const { max, p50 } = meter.take();
  expect(max).toBeGreaterThan(0.15);
  expect(p50).toBeLessThan(max);
});

it('has no lag where nothing was measured, and knows of a late beat while nothing is sampled', () => {
  meter = createLagMeter(() => share);
  expect(meter.take()).toEqual({ max: 0, mean: 0, stddev: 0, p50: 0, p90: 0, p99: 0 });
  look(1, 700);
  expect(meter.take().max).toBe(0.7);
  expect(meter.take().max).toBe(0);
});
