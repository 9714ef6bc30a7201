import { pino } from 'pino';
import { expect, it } from 'vitest';
import { KeysUnreadable } from '../access/keys.ts';
import { createReload } from './reload.ts';

function makeReload() {
  const steps: string[] = [];
  const rolls: (() => void)[] = [];
  let stopping = false;
  const reload = createReload({
    isStopping: () => stopping,
    keyring: {
      reread: () => {
        throw new KeysUnreadable('unreadable');
      },
    },
    rollout: { retry: () => Promise.resolve(steps.push('refresh') > 0) },
    processes: {
      roll: () => {
        steps.push('roll');
        return new Promise((resolve) => rolls.push(resolve));
      },
    },
    log: pino({ level: 'silent' }),
  });
  return {
    steps,
    reload,
    stop: () => {
      stopping = true;
    },
    endRoll: async () => {
      await new Promise(setImmediate);
      rolls.shift()?.();
      await new Promise(setImmediate);
    },
  };
}

it('a reload refreshes before it replaces the processes, with unreadable keys too', async () => {
  const { steps, reload, endRoll } = makeReload();
  const reloaded = reload();
  await endRoll();
  await reloaded;
  expect(steps).toEqual(['refresh', 'roll']);
});

it('reloads that are requested during another become one that follows it', async () => {
  const { steps, reload, endRoll } = makeReload();
  const first = reload();
  await Promise.all([reload(), reload()]);
  expect(steps).toEqual(['refresh', 'roll']);
  await endRoll();
  expect(steps).toEqual(['refresh', 'roll', 'refresh', 'roll']);
  await endRoll();
  await first;
  expect(steps).toHaveLength(4);
});

it('a server that stops does not reload', async () => {
  const { steps, reload, stop } = makeReload();
  stop();
  await reload();
  expect(steps).toEqual([]);
});
