import { setImmediate as nextTurn } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { createGather } from './gather.ts';

/** As the queue does: `dispatch` ends the wait. */
function createGathering(isEnough = (): boolean => false) {
  let dispatches = 0;
  const gather = createGather(isEnough, () => {
    dispatches++;
    gather.dispatched();
  });
  return { gather, dispatches: () => dispatches };
}

describe('gathering', () => {
  it('dispatches a request that arrives alone in the next turn, once', async () => {
    const { gather, dispatches } = createGathering();
    gather.arrived();
    expect(dispatches()).toBe(0);
    await nextTurn();
    expect(dispatches()).toBe(1);
    await nextTurn();
    expect(dispatches()).toBe(1);
  });

  it('waits while turns bring more requests, but not forever', async () => {
    const { gather, dispatches } = createGathering();
    let turns = 0;
    gather.arrived();
    while (dispatches() === 0) {
      gather.arrived();
      await nextTurn();
      turns++;
    }
    expect(turns).toBeGreaterThan(4);
    expect(turns).toBeLessThan(16);
  });

  it('does not wait once a batch is full', async () => {
    const { gather, dispatches } = createGathering(() => true);
    gather.arrived();
    gather.arrived();
    await nextTurn();
    expect(dispatches()).toBe(1);
  });
});
