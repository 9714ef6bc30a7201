import { describe, expect, it } from 'vitest';
import type { ConcurrencyLimit } from './concurrencyLimit.ts';
import { withDeadline } from '../testing/withDeadline.ts';
import { createConcurrencyLimit } from './concurrencyLimit.ts';

const MIB = 1024 * 1024;
const PATIENCE_MS = 1000;
const LEAST = 32;
const shed: string[] = [];
const http = { shed: (reason: string) => void shed.push(reason) };

const open = (late = false): ConcurrencyLimit => createConcurrencyLimit({ late }, http, PATIENCE_MS);

/** Without a wait. */
const accepts = (limit: ConcurrencyLimit, bytes = 0): boolean => limit.enter(bytes);

/** Enters up to `most` requests. @returns how many were accepted */
const fill = (limit: ConcurrencyLimit, most: number): number => {
  let inside = 0;
  while (inside < most && accepts(limit)) inside++;
  return inside;
};

/** Answers `many` requests, each in `ms`. @returns how many of as many are accepted afterwards */
function acceptedAfter(limit: ConcurrencyLimit, many: number, ms: number): number {
  const inside = fill(limit, many);
  for (let index = 0; index < inside; index++) limit.leave(0, ms);
  const next = fill(limit, many);
  for (let index = 0; index < next; index++) limit.leave(0, PATIENCE_MS * 0.75);
  return next;
}

describe('the concurrency limit', () => {
  it('has no effect while answers are in time', () => {
    expect(acceptedAfter(open(), 5000, PATIENCE_MS * 0.9)).toBe(5000);
  });

  it('is lowered when answers are late, and refuses requests beyond it', () => {
    const limit = open();
    const left = acceptedAfter(limit, 500, PATIENCE_MS * 2);
    expect(left).toBeGreaterThan(300);
    expect(left).toBeLessThan(400);
  });

  it('has a lower bound', () => {
    expect(acceptedAfter(open(), LEAST, PATIENCE_MS * 2)).toBe(LEAST);
  });

  it('is not lowered by a few large requests among small ones', () => {
    const limit = open();
    const inside = fill(limit, 500);
    for (let index = 0; index < inside; index++) limit.leave(0, index % 10 === 0 ? 10 : PATIENCE_MS * 2);
    expect(fill(limit, 500)).toBe(500);
  });

  it('grows again, by one for each round of early answers', () => {
    const limit = open();
    const left = acceptedAfter(limit, 500, PATIENCE_MS * 2);
    expect(fill(limit, 500)).toBe(left);
    // Nearly two rounds of answers.
    let more = 0;
    for (let index = 0; index < 1.9 * left; index++) {
      limit.leave(0, 1);
      more += fill(limit, 500) - 1;
    }
    expect(more).toBeGreaterThanOrEqual(1);
    expect(more).toBeLessThanOrEqual(2);
  });

  it('refuses requests while the queue is late', () => {
    expect(accepts(open(true))).toBe(false);
  });

  it('bounds the bytes of bodies, but always accepts one body', () => {
    const limit = open();
    expect(accepts(limit, 1000 * MIB)).toBe(true);
    expect(accepts(limit, MIB)).toBe(false);
    // No wait: other requests may take long.
    const ends: boolean[] = [];
    limit.wait(MIB, (entered) => ends.push(entered));
    expect([ends, shed.pop()]).toEqual([[false], 'bodies']);
    limit.leave(1000 * MIB, 1);
    for (let index = 0; index < 25; index++) expect(accepts(limit, 10 * MIB)).toBe(true);
    expect(accepts(limit, 10 * MIB)).toBe(false);
    expect(accepts(limit, 5 * MIB)).toBe(true);
  });
});

describe('a request beyond the limit', () => {
  /** A limit that is reached. */
  const full = (): { limit: ConcurrencyLimit; refused: string[] } => {
    const refused: string[] = [];
    const limit = createConcurrencyLimit(
      { late: false },
      { shed: (why) => void refused.push(why) },
      PATIENCE_MS,
    );
    acceptedAfter(limit, 500, PATIENCE_MS * 2);
    fill(limit, 500);
    return { limit, refused };
  };
  const MOST_WAITING = 1024;

  it('waits for a place, and the newest goes first', () => {
    const { limit } = full();
    const entered: number[] = [];
    for (const name of [1, 2, 3]) limit.wait(0, (isIn) => isIn && entered.push(name));
    expect(entered).toEqual([]);
    limit.leave(0, PATIENCE_MS * 0.9);
    expect(entered).toEqual([3]);
    // Not ahead of those that wait.
    limit.leave(0, PATIENCE_MS * 0.9);
    expect([entered, accepts(limit)]).toEqual([[3, 2], false]);
  });

  it('is refused when the patience is over', async () => {
    const { limit, refused } = full();
    const began = performance.now();
    const ends = [1, 2].map(() => new Promise<boolean>((resolve) => limit.wait(0, resolve)));
    expect(await withDeadline('the refusals', Promise.all(ends))).toEqual([false, false]);
    expect(performance.now() - began).toBeGreaterThanOrEqual(PATIENCE_MS * 0.99);
    expect(refused).toEqual(['late', 'late']);
    // They have left the line.
    limit.leave(0, 1);
    expect(accepts(limit)).toBe(true);
  });

  it('is refused at once behind very many others', () => {
    const { limit } = full();
    const ends: boolean[] = [];
    for (let index = 0; index <= MOST_WAITING; index++) limit.wait(0, (entered) => ends.push(entered));
    expect(ends).toEqual([false]);
  });

  it('is let in when the queue is in time again', async () => {
    const queue = { late: true };
    const limit = createConcurrencyLimit(queue, http, PATIENCE_MS);
    const end = new Promise<boolean>((resolve) => limit.wait(0, resolve));
    queue.late = false;
    expect(await withDeadline('the end of the wait', end)).toBe(true);
  });
});
