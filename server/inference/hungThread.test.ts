import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { watchSilence } from './hungThread.ts';
import { createFakePool } from '../testing/fakePool.ts';
import { tinyModel } from '../testing/tinyModel.ts';

const LIMIT_MS = 1000;

beforeEach(() => void vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'performance'] }));
afterEach(() => void vi.useRealTimers());

describe('watchSilence', () => {
  it('names a thread that works on one task for longer than the limit, once', () => {
    const pool = createFakePool(3);
    const onSilent = vi.fn();
    watchSilence(pool, LIMIT_MS, onSilent);
    void pool.lanes[1]?.run(tinyModel(), 1, []);
    vi.advanceTimersByTime(LIMIT_MS);
    expect(onSilent).not.toHaveBeenCalled();
    vi.advanceTimersByTime(LIMIT_MS / 4);
    expect(onSilent.mock.calls).toEqual([[1]]);
    vi.advanceTimersByTime(10 * LIMIT_MS);
    expect(onSilent).toHaveBeenCalledTimes(1);
  });

  it('is content with a thread that is busy all the time, task after task', () => {
    const pool = createFakePool(1);
    const onSilent = vi.fn();
    watchSilence(pool, LIMIT_MS, onSilent);
    for (let task = 0; task < 20; task++) {
      void pool.lanes[0]?.run(tinyModel(), 1, []);
      vi.advanceTimersByTime(LIMIT_MS * 0.9);
      pool.running[0]?.finish();
    }
    expect(onSilent).not.toHaveBeenCalled();
  });

  it('can be stopped', () => {
    const pool = createFakePool(1);
    const onSilent = vi.fn();
    const stop = watchSilence(pool, LIMIT_MS, onSilent);
    void pool.lanes[0]?.run(tinyModel(), 1, []);
    stop();
    vi.advanceTimersByTime(10 * LIMIT_MS);
    expect(onSilent).not.toHaveBeenCalled();
  });
});
