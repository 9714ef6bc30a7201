import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { BEAT_MS, onBeat } from './beat.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

it('wakes the process once a beat for all actions, and not at all without any', () => {
  const seen: string[] = [];
  const note = (name: string) => (): void => void seen.push(name);
  const stops = [onBeat(note('a')), onBeat(note('b')), onBeat(note('rare'), 2.5 * BEAT_MS)];
  expect(vi.getTimerCount()).toBe(1);
  vi.advanceTimersByTime(2 * BEAT_MS);
  expect(seen.filter((name) => name !== 'rare')).toEqual(['a', 'b', 'a', 'b']);
  expect(seen.filter((name) => name === 'rare')).toHaveLength(1);
  stops.forEach((stop) => stop());
  expect(vi.getTimerCount()).toBe(0);
  vi.advanceTimersByTime(2 * BEAT_MS);
  expect(seen).toHaveLength(5);
});

it('gives an action that is due more often a timer of its own', () => {
  let calls = 0;
  const stop = onBeat(() => calls++, 10);
  vi.advanceTimersByTime(100);
  expect(calls).toBe(10);
  stop();
  expect(vi.getTimerCount()).toBe(0);
});

it('says how late a beat is', () => {
  const late: number[] = [];
  const stop = onBeat((lateMs) => late.push(Math.round(lateMs)));
  vi.advanceTimersByTime(BEAT_MS);
  const clock = vi.spyOn(performance, 'now').mockReturnValue(performance.now() + BEAT_MS + 300);
  vi.advanceTimersByTime(BEAT_MS);
  clock.mockRestore();
  expect(late).toEqual([0, 300]);
  stop();
});
