import { expect, it } from 'vitest';
import { createRestartPauses } from './restartPauses.ts';

function dying() {
  let time = 0;
  const restarts = createRestartPauses(() => time);
  return (livedMs: number): number => {
    time += livedMs;
    const pause = restarts.died(livedMs);
    time += pause;
    return pause;
  };
}

it('a process that dies now and then is replaced at once', () => {
  const die = dying();
  expect([3000, 3000, 3000, 3000, 3000, 3000].map(die)).toEqual([0, 0, 0, 0, 0, 0]);
});

it('pauses grow after 5 exits in 10 s, until a process has lived for 10 s', () => {
  const die = dying();
  expect([100, 100, 100, 100].map(die)).toEqual([0, 0, 0, 0]);
  expect([100, 100, 100, 100, 100, 100, 100].map(die)).toEqual([500, 1000, 2000, 4000, 8000, 10_000, 10_000]);
  expect([10_000, 100].map(die)).toEqual([0, 0]);
});
