import { expect, it } from 'vitest';
import type { Sampler } from './sampler.ts';
import { MANY_ROWS, createSampler } from './sampler.ts';
import { createRandom } from '../../../scripts/cli/createRandom.ts';

/** The sampled rows of a request, with their weights. */
function lookAt(sampler: Sampler, rows: number): (readonly [row: number, weight: number])[] {
  const looked: (readonly [number, number])[] = [];
  for (let row = sampler.first(rows); row < rows; row = sampler.next()) looked.push([row, sampler.weight]);
  return looked;
}

/** A sampler that is used to this many rows per second. */
function usedTo(rowsPerSecond: number): Sampler {
  const sampler = createSampler({ columns: 14, random: createRandom(7) });
  lookAt(sampler, rowsPerSecond);
  sampler.tick(1);
  return sampler;
}

it('samples every row while they are few', () => {
  const sampler = createSampler({ columns: 14 });
  for (let second = 0; second < 5; second++) {
    for (let request = 0; request < 100; request++)
      expect(lookAt(sampler, 3)).toEqual([
        [0, 1],
        [1, 1],
        [2, 1],
      ]);
    sampler.tick(1);
  }
  expect(lookAt(sampler, 0)).toEqual([]);
});

it('samples few of many rows, which represent all, whatever their rhythm', () => {
  const sampler = usedTo(20_000);
  // Every fifth row is of a kind of its own, and the stride is a multiple of five.
  const weights = [0, 0];
  let looked = 0;
  for (let request = 0; request < 200_000; request++) {
    if (request % 20_000 === 0) sampler.tick(1);
    for (const [, weight] of lookAt(sampler, 1)) {
      looked++;
      (weights[request % 5 === 0 ? 0 : 1] as number) += weight;
    }
  }
  expect(looked).toBeLessThan(15_000);
  expect(Math.abs((weights[0] as number) / 40_000 - 1)).toBeLessThan(0.1);
  expect(Math.abs((weights[1] as number) / 160_000 - 1)).toBeLessThan(0.05);
});

it('weighs the rows of requests with several rows as those of single-row requests', () => {
  const sampler = usedTo(20_000);
  let weights = 0;
  for (let request = 0; request < 10_000; request++) {
    if (request % 1000 === 0) sampler.tick(1);
    for (const [, weight] of lookAt(sampler, 20)) weights += weight;
  }
  expect(Math.abs(weights / 200_000 - 1)).toBeLessThan(0.1);
});

it('samples a bounded number of rows of a large request, evenly', () => {
  const sampler = createSampler({ columns: 14, random: createRandom(1) });
  const weights = new Array<number>(1000).fill(0);
  for (let request = 0; request < 2000; request++) {
    const looked = lookAt(sampler, 1000);
    expect(looked.length).toBeGreaterThan(MANY_ROWS);
    expect(looked.length).toBeLessThan(2 * MANY_ROWS);
    for (const [row, weight] of looked) (weights[row] as number) += weight;
    // As if a second had passed: every request finds the same state.
    sampler.tick(10);
  }
  // The weight of each row is about 2000.
  expect(Math.max(...weights.map((weight) => Math.abs(weight / 2000 - 1)))).toBeLessThan(0.25);
  expect(lookAt(sampler, 1_000_000).length).toBeLessThan(2 * MANY_ROWS);
});

it('does not wait for the end of the second when a burst arrives', () => {
  const sampler = createSampler({ columns: 14, random: createRandom(3) });
  let looked = 0;
  let weights = 0;
  for (let request = 0; request < 1_000_000; request++) {
    for (const [, weight] of lookAt(sampler, 1)) {
      looked++;
      weights += weight;
    }
  }
  expect(looked).toBeLessThan(12_000);
  expect(Math.abs(weights / 1_000_000 - 1)).toBeLessThan(0.1);
  // After the burst every row counts again: no skip that was drawn in it remains.
  sampler.tick(1000);
  sampler.tick(1);
  expect(lookAt(sampler, 10)).toHaveLength(10);
});

it('samples fewer wide rows', () => {
  const sampler = createSampler({ columns: 10_000, random: createRandom(5) });
  expect(lookAt(sampler, 1000)).toHaveLength(1);
  let looked = 0;
  for (let second = 0; second < 100; second++) {
    for (let request = 0; request < 1000; request++) looked += lookAt(sampler, 1).length;
    sampler.tick(1);
  }
  // Two a second, after the first second.
  expect(looked).toBeLessThan(300);
  expect(looked).toBeGreaterThan(100);
});
