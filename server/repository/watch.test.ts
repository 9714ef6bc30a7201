import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { candidate } from '../testing/candidate.ts';
import type { Listing } from './listing.ts';
import { watchSource } from './watch.ts';

beforeEach(() => vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] }));
afterEach(() => vi.useRealTimers());

it.each([
  ['after the pause that settings name', 5, 2000],
  ['later where the polls would take more than half a per cent of a CPU', 40, 8000],
])('polls %s', async (_, costMs, pauseMs) => {
  const listing: Listing = { candidates: [candidate('m/1')], preferences: {} };
  let spent = 0;
  const list = vi.fn(() => {
    spent += costMs;
    return Promise.resolve(listing);
  });
  const watch = watchSource({
    source: { list, fetch: () => Promise.resolve() },
    pollMs: 2000,
    applied: () => listing,
    onChange: () => Promise.resolve(),
    onError: () => {},
    spentMs: () => spent,
  });
  await vi.advanceTimersByTimeAsync(2000);
  expect(list).toHaveBeenCalledTimes(1);
  await vi.advanceTimersByTimeAsync(pauseMs - 1);
  expect(list).toHaveBeenCalledTimes(1);
  await vi.advanceTimersByTimeAsync(1);
  expect(list).toHaveBeenCalledTimes(2);
  watch.stop();
});
