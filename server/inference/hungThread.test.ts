import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { watchHungThreads } from './hungThread.ts';
import { createFakePool } from '../testing/fakePool.ts';
import { tinyModel } from '../testing/tinyModel.ts';

const LIMIT_MS = 1000;

beforeEach(() => void vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'performance'] }));
afterEach(() => void vi.useRealTimers());

describe('watchHungThreads', () => {
  it('reports a thread that works on one batch for longer than the limit, once', () => {
    const pool = createFakePool(3);
    const onHung = vi.fn();
    watchHungThreads(pool, LIMIT_MS, onHung);
    void pool.lanes[1]?.run(tinyModel(), 1, []);
    vi.advanceTimersByTime(LIMIT_MS);
    expect(onHung).not.toHaveBeenCalled();
    vi.advanceTimersByTime(LIMIT_MS / 4);
    expect(onHung.mock.calls).toEqual([[1]]);
    vi.advanceTimersByTime(10 * LIMIT_MS);
    expect(onHung).toHaveBeenCalledTimes(1);
  });

  it('does not report a thread that is always busy, batch after batch', () => {
    const pool = createFakePool(1);
    const onHung = vi.fn();
    watchHungThreads(pool, LIMIT_MS, onHung);
    for (let task = 0; task < 20; task++) {
      void pool.lanes[0]?.run(tinyModel(), 1, []);
      vi.advanceTimersByTime(LIMIT_MS * 0.9);
      pool.running[0]?.finish();
    }
    expect(onHung).not.toHaveBeenCalled();
  });

  it('can be ended', () => {
    const pool = createFakePool(1);
    const onHung = vi.fn();
    const stop = watchHungThreads(pool, LIMIT_MS, onHung);
    void pool.lanes[0]?.run(tinyModel(), 1, []);
    stop();
    vi.advanceTimersByTime(10 * LIMIT_MS);
    expect(onHung).not.toHaveBeenCalled();
  });
});
