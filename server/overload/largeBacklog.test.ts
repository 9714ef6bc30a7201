import { expect, it } from 'vitest';
import { createLargeBacklog } from './largeBacklog.ts';

it('a backlog is full beyond its rows, and reports each time that rows leave and it is not', () => {
  const backlog = createLargeBacklog(100);
  const reports: boolean[] = [];
  backlog.onRoom(() => reports.push(backlog.isFull));
  backlog.change(100);
  expect(backlog.isFull).toBe(false);
  backlog.change(60);
  expect(backlog.isFull).toBe(true);
  backlog.change(-10);
  expect([backlog.isFull, reports]).toEqual([true, []]);
  backlog.change(-50);
  backlog.change(-50);
  expect([backlog.isFull, reports]).toEqual([false, [false, false]]);
});
