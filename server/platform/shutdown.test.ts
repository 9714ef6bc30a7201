import { pino } from 'pino';
import { describe, expect, it } from 'vitest';
import { shutdown } from './shutdown.ts';
import { withDeadline } from '../testing/withDeadline.ts';

const never = (): Promise<void> => new Promise(() => {});

/** Runs the steps. Returns their order, and what was logged about them. */
async function run(steps: Readonly<Record<string, () => Promise<void> | void>>, deadlineMs = 1000) {
  const order: string[] = [];
  const failed: { step: string; err: { message: string } }[] = [];
  const log = pino(
    { level: 'warn' },
    { write: (line) => failed.push(JSON.parse(line) as (typeof failed)[0]) },
  );
  const list = Object.entries(steps).map(([name, act]) => ({
    name,
    deadlineMs,
    run: () => {
      order.push(name);
      return act();
    },
  }));
  const clean = await withDeadline('the shutdown', shutdown(list, log));
  return { order, clean, failed: failed.map(({ step, err }) => [step, err.message]) };
}

describe('shutdown', () => {
  it('runs one step after the other', async () => {
    const ended: string[] = [];
    const { order, clean, failed } = await run({
      first: async () => {
        await new Promise((resolve) => setImmediate(resolve));
        ended.push('first');
      },
      second: () => expect(ended).toEqual(['first']),
      third: () => {},
    });
    expect([order, clean, failed]).toEqual([['first', 'second', 'third'], true, []]);
  });

  it('continues after a step that takes too long, and logs it', async () => {
    const { order, clean, failed } = await run({ hangs: never, next: () => {} }, 20);
    expect([order, clean]).toEqual([['hangs', 'next'], false]);
    expect(failed).toEqual([['hangs', expect.stringContaining('not within 20 ms')]]);
  });

  it('continues after a step that fails, and logs why', async () => {
    const { order, clean, failed } = await run({
      rejects: () => Promise.reject(new Error('no')),
      throws: () => {
        throw new Error('nor this');
      },
      next: () => {},
    });
    expect(order).toEqual(['rejects', 'throws', 'next']);
    expect(clean).toBe(false);
    expect(failed).toEqual([
      ['rejects', 'no'],
      ['throws', 'nor this'],
    ]);
  });
});
