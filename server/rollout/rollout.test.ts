import { pino } from 'pino';
import { describe, expect, it, vi } from 'vitest';
import type { ToProcess } from '../messages.ts';
import type { Listing } from '../repository/listing.ts';
import { keyOf } from '../repository/listing.ts';
import { ModelRefused, NotFetched } from '../model/refused.ts';
import type { Wishes } from './plan.ts';
import type { Preferences } from '../repository/preferences.ts';
import { parsePins } from '../settings/pins.ts';
import type { Verified } from './openings.ts';
import { createRollout } from './rollout.ts';
import { candidate } from '../testing/candidate.ts';
import { eventually } from '../testing/withDeadline.ts';

const repository = (ids: string, preferences: Preferences = {}): Listing => ({
  candidates: ids.split(' ').map(candidate),
  preferences,
});
const listing = (...versions: readonly number[]): Listing =>
  repository(versions.map((version) => `m/${version}`).join(' '));

/** How a process replies to the order to open a version: `lifted` and `whole` are the path of an open one. */
type Opens = (
  version: number,
  fastRefused: string | undefined,
  id: string,
) => 'lifted' | 'whole' | 'refused' | 'dies' | 'never';

function start(
  first: Listing,
  wishes: Partial<Wishes> = {},
  verify: (id: string) => Promise<Verified> = () => Promise.resolve({ content: 'as listed' }),
) {
  let now = first;
  const fetch = vi.fn(() => Promise.resolve());
  const rollout = createRollout({
    source: { list: () => Promise.resolve(now), fetch },
    wishes: { defaultModel: undefined, pins: new Map(), shadows: [], openVersions: 1, ...wishes },
    log: pino({ level: 'silent' }),
    onRefused: (model) => failures.push(model),
    verify: ({ id }) => {
      compared.push(id);
      return verify(id);
    },
  });
  const compared: string[] = [];
  const sent: string[] = [];
  const failures: string[] = [];
  const defaults = new Map<number, string>();
  const files = { now: 'as listed' };
  let ids = 0;
  const addProcess = (opens: Opens = () => 'lifted') => {
    const id = ++ids;
    let die = (): void => {};
    const exited = new Promise<void>((resolve) => (die = resolve));
    const send = (message: ToProcess): void => {
      if (message.type === 'serve') {
        const { number, served } = message.set;
        sent.push(`${id} serves ${served.join(' ').replaceAll('@a', '')}`);
        defaults.set(id, message.set.defaultModel);
        setImmediate(() => rollout.receive(id, { type: 'swapped', number }));
      }
      if (message.type !== 'open') return;
      const { candidate, fastRefused } = message;
      sent.push(`${id} opens ${candidate.id}${fastRefused === undefined ? '' : ` whole: ${fastRefused}`}`);
      const key = keyOf(candidate);
      setImmediate(() => {
        const outcome = opens(candidate.version, fastRefused, candidate.id);
        if (outcome === 'dies') die();
        else if (outcome === 'refused') rollout.receive(id, { type: 'opened', key, refusal: 'it is bad' });
        else if (outcome !== 'never')
          rollout.receive(id, { type: 'opened', key, path: outcome, content: files.now });
      });
    };
    return { equipped: rollout.equip({ id, send, exited }) };
  };
  return {
    rollout,
    fetch,
    files,
    failures,
    defaults,
    compared,
    addProcess,
    take: () => sent.splice(0),
    refresh: (next: Listing) => {
      now = next;
      return rollout.refresh();
    },
  };
}

describe('a rollout', () => {
  it('opens a version in one process after the other, and serves it once all have it', async () => {
    const { addProcess, take, refresh } = start(listing(1));
    await Promise.all([addProcess().equipped, addProcess().equipped]);
    take();
    await refresh(listing(1, 2));
    expect(take()).toEqual(['1 opens m/2', '2 opens m/2', '1 serves m/2', '2 serves m/2']);
    await refresh(listing(1, 2));
    expect(take()).toEqual(['1 serves m/2', '2 serves m/2']);
  });

  it('compares the fast path of a version once', async () => {
    const { addProcess, compared, take } = start(repository('a/1 b/1'));
    await Promise.all([addProcess().equipped, addProcess().equipped]);
    await addProcess().equipped;
    expect(compared).toEqual(['a/1', 'b/1']);
    expect(take().filter((line) => line.startsWith('3 opens'))).toEqual(['3 opens a/1', '3 opens b/1']);
  });

  it('lists and compares before a process is there, and not again', async () => {
    const { rollout, addProcess, compared, take } = start(repository('a/1 b/1'));
    await rollout.prepare();
    expect(compared).toEqual(['a/1', 'b/1']);
    await Promise.all([addProcess().equipped, addProcess().equipped]);
    expect(compared).toEqual(['a/1', 'b/1']);
    expect(take()).toContain('2 serves a/1 b/1');
  });

  it('uses what was found before a process is there', async () => {
    const verdicts: Record<string, Verified> = {
      'a/1': { content: 'as listed', fastRefused: 'it differs' },
      'b/1': { refusal: 'it ended the process' },
    };
    const { rollout, addProcess, compared, take } = start(repository('a/1 b/1 c/1'), {}, (id) =>
      Promise.resolve(verdicts[id] ?? { content: 'as listed' }),
    );
    await rollout.prepare();
    await addProcess(() => 'whole').equipped;
    expect(take()).toEqual([
      '1 opens a/1 whole: it differs',
      '1 opens b/1',
      '1 opens c/1',
      '1 serves a/1 c/1',
    ]);
    expect(compared).toEqual(['a/1', 'b/1', 'c/1']);
    await rollout.retry();
    expect(compared).toEqual(['a/1', 'b/1', 'c/1', 'b/1']);
  });

  it.each([
    ['no version', new ModelRefused('repository', 'the store is down')],
    ['one', new NotFetched('m/1', 'no room')],
  ])('leaves to the first process that %s can be fetched', async (_, fault) => {
    const { rollout, addProcess, fetch, compared } = start(repository('m/1 n/1'));
    fetch.mockRejectedValueOnce(fault);
    await rollout.prepare();
    expect(compared).toEqual(fault instanceof NotFetched ? ['n/1'] : []);
    await addProcess().equipped;
    expect([...compared].sort()).toEqual(['m/1', 'n/1']);
  });

  it.each([
    ['is wrong', 'lifted'],
    ["doesn't answer the golden rows", 'refused'],
  ] as const)('has a version opened again without its fast path where that %s', async (_, onTrust) => {
    let found: (verified: Verified) => void = () => {};
    const verdict = new Promise<Verified>((resolve) => (found = resolve));
    const { addProcess, take } = start(listing(1), {}, () => verdict);
    const opens: Opens = (_, fastRefused) => (fastRefused === undefined ? onTrust : 'whole');
    const both = [addProcess(opens).equipped, addProcess(opens).equipped];
    const opened: string[] = [];
    await eventually('both open it on trust', () => {
      opened.push(...take());
      return opened.length === 2;
    });
    found({ content: 'as listed', fastRefused: 'it differs' });
    await Promise.all(both);
    expect(take().filter((line) => line.includes('opens'))).toEqual([
      '1 opens m/1 whole: it differs',
      '2 opens m/1 whole: it differs',
    ]);
    // Later ones know that from the first.
    await addProcess(opens).equipped;
    expect(take()[0]).toBe('3 opens m/1 whole: it differs');
  });

  it('refuses a version whose comparison failed, and compares it again when it is tried again', async () => {
    const verdicts: Record<string, Verified> = { 'm/2': { refusal: 'it ended the process' } };
    const verify = (id: string) => Promise.resolve(verdicts[id] ?? { content: 'as listed' });
    const { rollout, addProcess, compared, refresh, take } = start(listing(1), {}, verify);
    await addProcess().equipped;
    take();
    await refresh(listing(1, 2));
    expect(rollout.versions[1]).toMatchObject({ state: 'refused', reason: 'it ended the process' });
    // Served without it: the process closes what it opened in vain.
    expect(take()).toEqual(['1 opens m/2', '1 serves m/1']);
    delete verdicts['m/2'];
    await rollout.retry();
    expect(compared).toEqual(['m/1', 'm/2', 'm/2']);
    expect(take()).toEqual(['1 opens m/2', '1 serves m/2']);
  });

  it('fails a process whose files have changed since the others opened them', async () => {
    const { addProcess, files } = start(listing(1));
    await addProcess().equipped;
    files.now = 'replaced';
    await expect(addProcess().equipped).rejects.toThrow('its files have changed');
  });

  it('closes a version that the last process refuses', async () => {
    const { rollout, addProcess, take, refresh } = start(listing(1));
    await addProcess().equipped;
    await addProcess((version) => (version === 2 ? 'refused' : 'lifted')).equipped;
    take();
    await refresh(listing(1, 2));
    expect(take()).toEqual(['1 opens m/2', '2 opens m/2', '1 serves m/1', '2 serves m/1']);
    expect(rollout.versions.map(({ state }) => state)).toEqual(['ready', 'refused']);
    await refresh(listing(1, 2));
    expect(take().filter((line) => line.includes('opens'))).toEqual([]);
    await rollout.retry();
    expect(take()).toContain('2 opens m/2');
  });

  it('refuses a version that two processes died of, before a third one opens it', async () => {
    const { rollout, addProcess, take, refresh } = start(listing(1));
    const dies: Opens = (version) => (version === 2 ? 'dies' : 'lifted');
    for (let count = 0; count < 3; count++) await addProcess(dies).equipped;
    take();
    await refresh(listing(1, 2));
    expect(take()).toEqual(['1 opens m/2', '2 opens m/2', '3 serves m/1']);
    expect(rollout.versions[1]).toMatchObject({
      state: 'refused',
      reason: 'processes died while they opened it',
    });
  });

  it('refuses a version that processes die of at the start, if there is another', async () => {
    const { addProcess, take } = start(listing(1, 2));
    const dies: Opens = (version) => (version === 2 ? 'dies' : 'lifted');
    for (let count = 0; count < 3; count++) await addProcess(dies).equipped;
    expect(take()).toEqual(['1 opens m/2', '2 opens m/2', '3 opens m/1', '3 serves m/1']);
  });

  it('equips a process that starts during a refresh with the new versions', async () => {
    const { addProcess, take, refresh } = start(listing(1));
    await addProcess().equipped;
    const refreshed = refresh(listing(2));
    const late = addProcess();
    await Promise.all([refreshed, late.equipped]);
    await eventually('both serve it', () => {
      const lines = take();
      return lines.includes('1 serves m/2') && lines.at(-1) === '2 serves m/2';
    });
  });

  it('fails a process that refuses what others serve', async () => {
    const { addProcess } = start(listing(1));
    await addProcess().equipped;
    await expect(addProcess(() => 'refused').equipped).rejects.toThrow('model m/1 refused: it is bad');
  });

  it('opens a version at the next refresh that could not be fetched at this one', async () => {
    const { rollout, fetch, addProcess, take, refresh } = start(listing(1));
    await addProcess().equipped;
    fetch.mockRejectedValueOnce(new ModelRefused('repository', 'it is down'));
    await refresh(listing(1, 2));
    expect(rollout.listing).toEqual(listing(1));
    take();
    await refresh(listing(1, 2));
    expect(take()).toEqual(['1 opens m/2', '1 serves m/2']);
  });

  it('does not retry a version by itself that was fetched at last, and then killed processes', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    try {
      const { fetch, addProcess, take, refresh } = start(listing(1, 2));
      fetch.mockRejectedValueOnce(new NotFetched('m/2', 'no room'));
      const dies: Opens = (version) => (version === 2 ? 'dies' : 'lifted');
      for (let count = 0; count < 4; count++) await addProcess(dies).equipped;
      const tries = async (ms: number): Promise<number> => {
        take();
        vi.advanceTimersByTime(ms);
        // Ends after the tries, and is not one of them.
        await refresh(listing(1, 2));
        return take().filter((line) => line.includes('opens m/2')).length;
      };
      expect(await tries(5000)).toBe(2);
      for (let count = 0; count < 4; count++) expect(await tries(600_000)).toBe(0);
    } finally {
      vi.useRealTimers();
    }
  });

  it('refuses a version that cannot be fetched, and retries it by itself', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    try {
      const { rollout, fetch, addProcess, take, refresh } = start(listing(1, 2));
      fetch.mockRejectedValueOnce(new NotFetched('m/2', 'no room'));
      await addProcess().equipped;
      expect(take()).toEqual(['1 opens m/1', '1 serves m/1']);
      expect(rollout.versions.at(-1)).toMatchObject({ version: 2, state: 'refused', reason: 'no room' });
      fetch.mockRejectedValueOnce(new NotFetched('m/2', 'no room'));
      vi.advanceTimersByTime(5000);
      // Ends after the try, and is not one itself.
      await refresh(listing(1, 2));
      expect(fetch).toHaveBeenCalledTimes(3);
      expect(rollout.versions.at(-1)).toMatchObject({ state: 'refused', reason: 'no room' });
      vi.advanceTimersByTime(10_000);
      await refresh(listing(1, 2));
      expect(take()).toContain('1 opens m/2');
      expect(rollout.versions.at(-1)).toMatchObject({ state: 'ready', served: true });
    } finally {
      vi.useRealTimers();
    }
  });
});

/** Processes that refuse these versions, or die of them. */
const without =
  (ids: string, how: 'refused' | 'dies' = 'refused'): Opens =>
  (_, __, id) =>
    ids.split(' ').includes(id) ? how : 'lifted';

const pins = (text: string): Wishes['pins'] => parsePins(text) ?? new Map();

describe('at the start, a rollout', () => {
  it('serves the newest version of each model that opens, when others are refused', async () => {
    const { rollout, addProcess, take, failures, defaults } = start(repository('a/1 b/1 b/2 b/3 c/1'));
    const opens = without('a/1 b/2 b/3');
    await Promise.all([addProcess(opens).equipped, addProcess(opens).equipped]);
    expect(take().filter((line) => line.includes('serves'))).toEqual([
      '1 serves b/1 c/1',
      '2 serves b/1 c/1',
    ]);
    expect(
      rollout.versions.map(({ name, version, state, served }) => [name, version, state, served]),
    ).toEqual([
      ['a', 1, 'refused', false],
      ['b', 1, 'ready', true],
      ['b', 2, 'refused', false],
      ['b', 3, 'refused', false],
      ['c', 1, 'ready', true],
    ]);
    // No default model is named.
    expect([...defaults.values()]).toEqual(['b', 'b']);
    expect(failures).toEqual(['a', 'b', 'b']);
    // A process that comes later is brought to the same set.
    await addProcess(opens).equipped;
    expect(take()).toEqual(['3 opens b/1', '3 opens c/1', '3 serves b/1 c/1']);
  });

  it.each([
    [
      'the one version that its repository pins is refused',
      'a/1 a/2 b/1',
      { a: 2 },
      'model a/2 refused: it is bad',
    ],
    [
      'its repository pins a version that is not there',
      'a/1 b/1',
      { a: 7 },
      'model a refused: it is pinned to version 7, which the repository does not hold',
    ],
  ])('leaves out a model when %s', async (_, ids, versions, reason) => {
    const { rollout, addProcess, take } = start(repository(ids, { versions }));
    await addProcess(without('a/2')).equipped;
    expect(take().at(-1)).toBe('1 serves b/1');
    expect(rollout.versions[0]).toMatchObject({ name: 'a', version: 1, state: 'closed', reason });
  });

  it.each<[string, Listing, Partial<Wishes>, string]>([
    ['the default model', repository('a/1 b/1'), { defaultModel: 'a' }, 'a/1 refused: it is bad'],
    ['the default of the repository', repository('a/1 b/1', { default: 'a' }), {}, 'a/1 refused: it is bad'],
    ['a version that settings pin', repository('b/1 b/2'), { pins: pins('b=2') }, 'b/2 refused: it is bad'],
    [
      'a model that settings name',
      repository('a/1 b/1'),
      { pins: pins('a=latest') },
      'a/1 refused: it is bad',
    ],
    ['any model', repository('a/1 b/2'), { pins: pins('*=latest') }, 'a/1 refused: it is bad'],
    [
      'a shadow that is not there',
      repository('b/1'),
      { shadows: ['b/9'] },
      'b/9 refused: SHADOW names a version that the repository does not hold',
    ],
  ])('fails without %s', async (_, list, wishes, reason) => {
    const { addProcess, take } = start(list, wishes);
    const both = [addProcess(without('a/1 b/2')), addProcess(without('a/1 b/2'))];
    for (const outcome of await Promise.allSettled(both.map(({ equipped }) => equipped)))
      expect(outcome).toMatchObject({ status: 'rejected', reason: { message: `model ${reason}` } });
    expect(take().filter((line) => line.includes('serves'))).toEqual([]);
  });

  it('closes a version that a later process refuses, before that process is ready', async () => {
    const { addProcess, take } = start(repository('a/1 a/2 b/1'));
    await addProcess().equipped;
    take();
    await addProcess(without('a/2')).equipped;
    expect(take()).toEqual([
      '2 opens a/2',
      '1 opens a/1',
      '1 serves a/1 b/1',
      '2 opens a/1',
      '2 opens b/1',
      '2 serves a/1 b/1',
    ]);
  });

  it('fails when a later process refuses the default model, and the first one refuses its other version', async () => {
    const { addProcess, take } = start(repository('a/1 a/2 b/1'), { defaultModel: 'a' });
    await addProcess(without('a/1')).equipped;
    take();
    await expect(addProcess(without('a/2')).equipped).rejects.toThrow('model a/2 refused: it is bad');
    expect(take()).toEqual(['2 opens a/2', '1 opens a/1']);
  });

  it('refuses a model that processes die of, but not one that it cannot start without', async () => {
    const opens = without('a/1', 'dies');
    const { rollout, addProcess, take } = start(repository('a/1 b/1'));
    for (let count = 0; count < 3; count++) await addProcess(opens).equipped;
    expect(take().slice(2)).toEqual(['3 opens b/1', '3 serves b/1']);
    expect(rollout.versions[0]).toMatchObject({
      state: 'refused',
      reason: 'processes died while they opened it',
    });
    const needed = start(repository('a/1 b/1'), { defaultModel: 'a' });
    for (let count = 0; count < 3; count++) await needed.addProcess(opens).equipped;
    expect(needed.take()).toEqual([1, 2, 3].map((id) => `${id} opens a/1`));
  });
});
