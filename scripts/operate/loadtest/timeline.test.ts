import { describe, expect, it } from 'vitest';
import { createTimeline } from './timeline.ts';

describe('timeline', () => {
  it('counts what ends in each step, gaps included', () => {
    const timeline = createTimeline(1000);
    timeline.add(1010, true, 5);
    timeline.add(1090, false, undefined);
    timeline.add(1350, true, 7);
    const slots = timeline.slots();
    expect(slots.map(({ ok, failed }) => [ok, failed])).toEqual([
      [1, 1],
      [0, 0],
      [0, 0],
      [1, 0],
    ]);
    expect(slots[1]).toMatchObject({ fromSeconds: 0.1, toSeconds: 0.2, p50: 0, p99: 0 });
    expect(slots.at(-1)).toMatchObject({ fromSeconds: 0.3, toSeconds: 0.35, p50: 7 });
  });

  it('keeps an hour in as many steps as a chart can show, and loses nothing', () => {
    const timeline = createTimeline(0);
    for (let second = 0; second < 3600; second += 1) timeline.add(second * 1000, second % 10 !== 0, second);
    const slots = timeline.slots();
    expect(slots.length).toBeLessThanOrEqual(120);
    expect(slots.length).toBeGreaterThanOrEqual(60);
    expect(slots.reduce((sum, { ok }) => sum + ok, 0)).toBe(3240);
    expect(slots.reduce((sum, { failed }) => sum + failed, 0)).toBe(360);
    for (const { fromSeconds, toSeconds, p50 } of slots) {
      expect(p50).toBeGreaterThanOrEqual(fromSeconds * 0.99);
      expect(p50).toBeLessThanOrEqual(toSeconds * 1.01);
    }
  });
});
