import { describe, expect, it } from 'vitest';
import type { Schedule } from './schedule.ts';
import { closedLoop, openLoop } from './schedule.ts';

function takeAll(schedule: Schedule, now: number): number[] {
  const taken: number[] = [];
  for (let due = schedule.take(now); due !== undefined; due = schedule.take(now)) taken.push(due);
  return taken;
}

describe('open loop', () => {
  it('has each request due on its own, however late it is taken', () => {
    const schedule = openLoop({ startMs: 1000, durationMs: 100, amount: Infinity }, 100);
    expect(takeAll(schedule, 999)).toEqual([]);
    expect(takeAll(schedule, 1000)).toEqual([1000]);
    expect(takeAll(schedule, 1035)).toEqual([1010, 1020, 1030]);
    expect(takeAll(schedule, 5000)).toEqual([1040, 1050, 1060, 1070, 1080, 1090]);
    expect(schedule.exhausted(5000)).toBe(true);
  });

  it('drops what has waited too long, and nothing else', () => {
    const schedule = openLoop({ startMs: 0, durationMs: 100, amount: Infinity }, 100);
    expect(schedule.dropBefore(25, 40)).toEqual([0, 10, 20]);
    expect(schedule.waiting(40)).toBe(2);
    expect(takeAll(schedule, 40)).toEqual([30, 40]);
  });

  it('keeps what is due when it is ended early', () => {
    const schedule = openLoop({ startMs: 0, durationMs: 1000, amount: Infinity }, 100);
    schedule.end(20);
    expect(schedule.waiting(500)).toBe(3);
    expect(takeAll(schedule, 500)).toEqual([0, 10, 20]);
    expect(schedule.exhausted(500)).toBe(true);
  });

  it('sends no more than the amount', () => {
    const schedule = openLoop({ startMs: 0, durationMs: 1000, amount: 2 }, 100);
    expect(takeAll(schedule, 900)).toEqual([0, 10]);
  });
});

describe('closed loop', () => {
  it('has a request due whenever one is asked for, until time or amount end it', () => {
    const byTime = closedLoop({ startMs: 0, durationMs: 100, amount: Infinity });
    expect([byTime.take(0), byTime.take(99), byTime.take(100)]).toEqual([0, 99, undefined]);
    expect(takeAll(closedLoop({ startMs: 0, durationMs: 100, amount: 3 }), 5)).toEqual([5, 5, 5]);
  });
});
