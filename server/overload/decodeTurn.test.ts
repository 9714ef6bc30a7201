import { setImmediate as nextTurn } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { LATE_IN_A_ROW } from './queueAdmission.ts';
import type { Problem } from '../errors/problem.ts';
import type { BodySize } from './decodeTurn.ts';
import { createDecodeTurn } from './decodeTurn.ts';

/** A backlog that a test fills and empties. */
function createBacklog(): { isFull: boolean; onRoom(listener: () => void): void; makeRoom(): void } {
  let report = (): void => {};
  return {
    isFull: false,
    onRoom: (listener) => {
      report = listener;
    },
    makeRoom() {
      this.isFull = false;
      report();
    },
  };
}

/** Waits for turns and spends time, as a predictor does; each entry is `name@turn`. */
function createCallers(turn: ReturnType<typeof createDecodeTurn>, now: () => number) {
  const seen: string[] = [];
  const enter = async (name: string, ms: number): Promise<void> => {
    if (turn.isOver) await turn.next(performance.now(), 'large');
    seen.push(`${name}@${now()}`);
    turn.spend(ms);
  };
  return { seen, enter };
}

describe('the decode turn', () => {
  it('admits bodies while it has time, and the rest in order in later turns', async () => {
    const turn = createDecodeTurn(60_000, createBacklog());
    let count = 0;
    const { seen, enter } = createCallers(turn, () => count);
    const all = Promise.all(['a', 'b', 'c', 'd', 'e'].map((name) => enter(name, 6)));
    expect(seen).toEqual(['a@0', 'b@0']);
    while (seen.length < 5) {
      count++;
      await nextTurn();
    }
    await all;
    expect(seen.map((entry) => entry[0]).join('')).toBe('abcde');
    const turns = seen.map((entry) => entry.split('@')[1]);
    for (const one of turns) expect(turns.filter((other) => other === one).length).toBeLessThanOrEqual(2);
    await nextTurn();
    expect(turn.isOver).toBe(false);
  });

  it('is never over for decoding that takes no time', () => {
    const turn = createDecodeTurn(60_000, createBacklog());
    for (let index = 0; index < 1000; index++) turn.spend(0.04);
    expect(turn.isOver).toBe(false);
  });

  it('refuses bodies whose turn comes too late', async () => {
    const turn = createDecodeTurn(60_000, createBacklog());
    turn.spend(100);
    const late = await Promise.allSettled(
      // Beyond a quarter of the deadline, and far before its end.
      Array.from({ length: LATE_IN_A_ROW + 3 }, () => turn.next(performance.now() - 20_000, 'large')),
    );
    const refused = late.map((one) => (one.status === 'rejected' ? (one.reason as Problem).code : ''));
    // A stall makes some late; more in a row are overload.
    expect(refused.slice(0, LATE_IN_A_ROW).join('')).toBe('');
    expect(refused.slice(LATE_IN_A_ROW)).toEqual(['overloaded', 'overloaded', 'overloaded']);
    expect(turn.isOver).toBe(false);
  });

  it('makes large bodies wait while the backlog is full, and admits small ones', async () => {
    const backlog = createBacklog();
    const turn = createDecodeTurn(60_000, backlog);
    backlog.isFull = true;
    expect([turn.isOver, turn.isOverFor('large'), turn.isOverFor('small')]).toEqual([true, true, false]);
    const seen: string[] = [];
    const waits = ['a', 'b'].map((name) => turn.next(performance.now(), 'large').then(() => seen.push(name)));
    turn.spend(100);
    await turn.next(performance.now(), 'small').then(() => seen.push('small'));
    await nextTurn();
    expect(seen).toEqual(['small']);
    backlog.makeRoom();
    await Promise.all(waits);
    expect(seen).toEqual(['small', 'a', 'b']);
  });

  it('refuses all but LATE_IN_A_ROW late bodies while nothing moves', async () => {
    const backlog = createBacklog();
    const turn = createDecodeTurn(2000, backlog);
    backlog.isFull = true;
    const start = performance.now();
    const waits = Array.from({ length: LATE_IN_A_ROW + 3 }, () => turn.next(start, 'large'));
    for (const wait of waits.slice(LATE_IN_A_ROW))
      await expect(wait).rejects.toMatchObject({ code: 'overloaded' });
    expect(performance.now() - start).toBeLessThan(2000);
    backlog.makeRoom();
    await Promise.all(waits.slice(0, LATE_IN_A_ROW));
  });

  it('refuses bodies that still wait at the deadline', async () => {
    const backlog = createBacklog();
    const turn = createDecodeTurn(20, backlog);
    backlog.isFull = true;
    const start = performance.now();
    const waits = [0, 1].map(() => turn.next(start, 'large'));
    for (const wait of waits) await expect(wait).rejects.toMatchObject({ code: 'deadline_exceeded' });
    expect(performance.now() - start).toBeGreaterThanOrEqual(20);
    backlog.isFull = false;
    await turn.next(performance.now(), 'large');
  });

  it('admits one large body ahead of the small ones in each turn', async () => {
    const turn = createDecodeTurn(60_000, createBacklog());
    turn.spend(100);
    const seen: string[] = [];
    const join = async (name: string, size: BodySize): Promise<void> => {
      await turn.next(performance.now(), size);
      seen.push(name);
      turn.spend(6);
    };
    await Promise.all([
      ...['s1', 's2', 's3'].map((name) => join(name, 'small')),
      ...['l1', 'l2', 'l3'].map((name) => join(name, 'large')),
    ]);
    expect(seen).toEqual(['l1', 's1', 'l2', 's2', 'l3', 's3']);
  });
});
