import { pino } from 'pino';
import { describe, expect, it } from 'vitest';
import type { ToProcess } from '../messages.ts';
import type { Listing } from '../repository/listing.ts';
import { keyOf } from '../repository/listing.ts';
import { candidate } from '../testing/candidate.ts';
import { withDeadline } from '../testing/withDeadline.ts';
import type { Wishes } from './plan.ts';
import { createRollout } from './rollout.ts';

/** A rollout over processes that open all versions but the bad ones, by their ids. */
async function start(ids: string, wishes: Partial<Wishes> = {}, preferences: Listing['preferences'] = {}) {
  const bad = new Set<string>();
  const repository = { ids };
  const rollout = createRollout({
    source: {
      list: () =>
        Promise.resolve({
          candidates: repository.ids.split(' ').filter(Boolean).map(candidate),
          preferences,
        }),
      fetch: () => Promise.resolve(),
    },
    wishes: { defaultModel: undefined, pins: new Map(), shadows: [], openVersions: 1, ...wishes },
    log: pino({ level: 'silent' }),
    onRefused: () => {},
    verify: () => Promise.resolve({ content: 'c' }),
  });
  const open = new Map<number, string>();
  const defaults = new Map<number, string>();
  const addProcess = async (id: number): Promise<void> => {
    const send = (message: ToProcess): void => {
      if (message.type === 'serve') {
        const { number, open: keys, defaultModel } = message.set;
        open.set(id, keys.join(' ').replaceAll('@a', ''));
        defaults.set(id, defaultModel);
        setImmediate(() => rollout.receive(id, { type: 'swapped', number }));
      }
      if (message.type !== 'open') return;
      const key = keyOf(message.candidate);
      const isBad = bad.has(message.candidate.id);
      setImmediate(() =>
        rollout.receive(
          id,
          isBad
            ? { type: 'opened', key, refusal: 'it is bad' }
            : { type: 'opened', key, path: 'lifted', content: 'c' },
        ),
      );
    };
    await rollout.equip({ id, send, exited: new Promise(() => {}) });
  };
  await withDeadline('both processes', Promise.all([addProcess(1), addProcess(2)]));
  rollout.begin();
  const { orders } = rollout;
  const stateOf = (id: string): string | undefined => {
    const found = rollout.versions.find(({ name, version }) => `${name}/${version}` === id);
    return found && `${found.state}${found.reason === undefined ? '' : `: ${found.reason}`}`;
  };
  /** What both processes have open. */
  const opened = (): string => {
    expect(open.get(2)).toBe(open.get(1));
    return open.get(1) ?? '';
  };
  return { rollout, orders, repository, bad, open, opened, defaults, stateOf, addProcess };
}

const UNLOADED = 'closed: it was unloaded by request';

describe('an unload', () => {
  it('closes a model in all processes, and nothing but a load opens it again', async () => {
    const { rollout, orders, repository, opened, open, stateOf, addProcess } = await start('a/1 b/1');
    await orders.unload({ name: 'b' });
    expect([opened(), stateOf('b/1')]).toEqual(['a/1', UNLOADED]);
    await orders.unload({ name: 'b' });
    repository.ids = 'a/1 b/1@changed b/2';
    await rollout.refresh();
    await rollout.retry();
    expect([opened(), stateOf('b/2')]).toEqual(['a/1', UNLOADED]);
    await addProcess(3);
    expect(open.get(3)).toBe('a/1');
    await orders.load({ name: 'b' });
    expect([opened(), open.get(3)]).toEqual(['a/1 b/2', 'a/1 b/2']);
  });

  it('of one version leaves the model to the version before', async () => {
    const { rollout, orders, repository, opened, stateOf } = await start('a/1 a/2');
    await orders.unload({ name: 'a', version: 2 });
    expect([opened(), stateOf('a/2')]).toEqual(['a/1', UNLOADED]);
    repository.ids = 'a/1 a/2@changed';
    await rollout.refresh();
    expect(opened()).toBe('a/1');
    repository.ids = 'a/1 a/2 a/3';
    await rollout.refresh();
    expect(opened()).toBe('a/3');
    await orders.unload({ name: 'a', version: 3 });
    await orders.load({ name: 'a', version: 2 });
    expect(opened()).toBe('a/2');
  });

  it('of the default model leaves no other one in its place, and may be of the last model', async () => {
    const { orders, opened, defaults } = await start('a/1 b/1');
    await orders.unload({ name: 'a' });
    expect([opened(), defaults.get(1)]).toEqual(['b/1', 'a']);
    await orders.unload({ name: 'b' });
    expect([opened(), defaults.get(1)]).toEqual(['', 'a']);
    await orders.load({ name: 'a' });
    expect([opened(), defaults.get(1)]).toEqual(['a/1', 'a']);
  });

  it.each<[string, Partial<Wishes>, Listing['preferences'], string]>([
    ['DEFAULT_MODEL', { defaultModel: 'a' }, {}, 'DEFAULT_MODEL names a, so it stays loaded.'],
    ['MODEL_VERSIONS', { pins: new Map([['a', 1]]) }, {}, 'MODEL_VERSIONS names a, so it stays loaded.'],
    ['SHADOW', { shadows: ['a/1'] }, {}, 'SHADOW names a, so it stays loaded.'],
    [
      'repository.json',
      {},
      { versions: { a: 1 } },
      "The repository's repository.json names a, so it stays loaded.",
    ],
  ])('is refused for what %s names', async (_, wishes, preferences, detail) => {
    const { orders, opened } = await start('a/1 a/2 b/1', { openVersions: 2, ...wishes }, preferences);
    const before = opened();
    await expect(orders.unload({ name: 'a' })).rejects.toMatchObject({
      code: 'model_pinned',
      message: detail,
    });
    expect(opened()).toBe(before);
    // Another version of it isn't pinned.
    await orders.unload({ name: 'a', version: 2 });
    expect(opened()).toBe('a/1 b/1');
    await expect(orders.unload({ name: 'a', version: 1 })).rejects.toMatchObject({ code: 'model_pinned' });
  });

  it('is refused for a model that is not there', async () => {
    const { orders } = await start('a/1');
    await expect(orders.unload({ name: 'x' })).rejects.toMatchObject({ code: 'model_not_found' });
    await expect(orders.unload({ name: 'a', version: 7 })).rejects.toMatchObject({ code: 'model_not_found' });
  });
});

describe('a load', () => {
  it('opens an old version beside the served one', async () => {
    const { orders, opened, rollout, repository } = await start('a/1 a/2 a/3');
    expect(opened()).toBe('a/3');
    await orders.load({ name: 'a', version: 1 });
    expect(opened()).toBe('a/1 a/3');
    repository.ids = 'a/1 a/2 a/3 a/4';
    await rollout.refresh();
    expect(opened()).toBe('a/1 a/4');
    await orders.unload({ name: 'a', version: 1 });
    expect(opened()).toBe('a/4');
  });

  it('tries a refused version again, and says why it is refused', async () => {
    const { rollout, orders, repository, bad, opened } = await start('a/1');
    bad.add('a/2');
    repository.ids = 'a/1 a/2';
    await rollout.refresh();
    await expect(orders.load({ name: 'a' })).rejects.toMatchObject({
      code: 'model_refused',
      message: 'a/2 was not loaded: it is bad.',
    });
    expect(opened()).toBe('a/1');
    bad.clear();
    await orders.load({ name: 'a' });
    expect(opened()).toBe('a/2');
  });

  it('finds a model that has just come, and refuses one that is not there', async () => {
    const { orders, repository, opened } = await start('b/1');
    await expect(orders.load({ name: 'a' })).rejects.toMatchObject({ code: 'model_not_found' });
    repository.ids = 'a/1 b/1';
    await orders.load({ name: 'a' });
    expect(opened()).toBe('a/1 b/1');
  });
});

describe('a model from elsewhere', () => {
  const versions = ['x/1', 'x/2'].map(candidate);

  it('is added beside the repository, never as the default, and stays over polls', async () => {
    const { rollout, orders, opened, defaults, stateOf, open, addProcess } = await start('', {
      mayStartEmpty: true,
    });
    expect([opened(), defaults.get(1)]).toEqual(['', '']);
    await orders.add(versions);
    await rollout.refresh();
    expect([opened(), defaults.get(1), stateOf('x/2')]).toEqual(['x/2', '', 'ready']);
    expect(rollout.listing.candidates).toEqual([]);
    await addProcess(3);
    expect(open.get(3)).toBe('x/2');
    await expect(orders.add(versions)).rejects.toMatchObject({ code: 'model_loaded', status: 409 });
    await orders.remove('x');
    expect(opened()).toBe('');
    await expect(orders.remove('x')).rejects.toMatchObject({ code: 'model_not_found' });
    await orders.add(versions);
    expect(opened()).toBe('x/2');
  });

  it('is not kept if it is refused', async () => {
    const { orders, bad, opened, stateOf } = await start('a/1');
    bad.add('x/2');
    await expect(orders.add(versions)).rejects.toMatchObject({ code: 'model_refused' });
    expect([opened(), stateOf('x/1')]).toEqual(['a/1', undefined]);
    bad.clear();
    await orders.add(versions);
    expect(opened()).toBe('a/1 x/2');
  });
});
