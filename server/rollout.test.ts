import { pino } from 'pino';
import { describe, expect, it, vi } from 'vitest';
import type { ToProcess } from './messages.ts';
import type { Listing } from './models/listing.ts';
import { keyOf } from './models/listing.ts';
import { ModelRefused, NotFetched } from './models/model.ts';
import { createRollout } from './rollout.ts';
import { eventually } from './testing/withDeadline.ts';

const listing = (...versions: readonly number[]): Listing => ({
  candidates: versions.map((version) => ({
    name: 'm',
    version,
    id: `m/${version}`,
    fingerprint: 'a',
    folder: '',
    root: '',
  })),
  preferences: {},
});

/** What a process answers to the order to open a version: lifted and whole are paths by which it is open. */
type Opens = (version: number, trusted: boolean) => 'lifted' | 'whole' | 'refused' | 'dies' | 'never';

function start(first: Listing) {
  let now = first;
  const fetch = vi.fn(() => Promise.resolve());
  const rollout = createRollout({
    source: { list: () => Promise.resolve(now), fetch },
    wishes: { defaultModel: '', pins: new Map(), shadows: [], openVersions: 1 },
    log: pino({ level: 'silent' }),
    onRefused: () => {},
  });
  const told: string[] = [];
  const files = { now: 'as listed' };
  let ids = 0;
  const addProcess = (opens: Opens = () => 'lifted') => {
    const id = ++ids;
    let die = (): void => {};
    const exited = new Promise<void>((resolve) => (die = resolve));
    const tell = (message: ToProcess): void => {
      if (message.type === 'serve') {
        const { number, served } = message.set;
        told.push(`${id} serves ${served.join().replaceAll('@a', '')}`);
        setImmediate(() => rollout.receive(id, { type: 'swapped', number }));
      }
      if (message.type !== 'open') return;
      const { candidate, trusted } = message;
      told.push(`${id} opens ${candidate.id}${trusted ? '' : ' and compares'}`);
      const key = keyOf(candidate);
      setImmediate(() => {
        const outcome = opens(candidate.version, trusted);
        if (outcome === 'dies') die();
        else if (outcome === 'refused') rollout.receive(id, { type: 'opened', key, refusal: 'it is bad' });
        else if (outcome !== 'never')
          rollout.receive(id, { type: 'opened', key, path: outcome, content: files.now });
      });
    };
    return { equipped: rollout.equip({ id, tell, exited }) };
  };
  return {
    rollout,
    fetch,
    files,
    addProcess,
    take: () => told.splice(0),
    refresh: (next: Listing) => {
      now = next;
      return rollout.refresh();
    },
  };
}

describe('a rollout', () => {
  it('has a version opened in one process after the other, and only then served by all', async () => {
    const { addProcess, take, refresh } = start(listing(1));
    await Promise.all([addProcess().equipped, addProcess().equipped]);
    take();
    await refresh(listing(1, 2));
    expect(take()).toEqual(['1 opens m/2 and compares', '2 opens m/2', '1 serves m/2', '2 serves m/2']);
    await refresh(listing(1, 2));
    expect(take()).toEqual(['1 serves m/2', '2 serves m/2']);
  });

  it('has the paths of a version compared once, and again only where they differ', async () => {
    const fine = start(listing(1));
    await Promise.all([fine.addProcess().equipped, fine.addProcess().equipped]);
    await fine.addProcess().equipped;
    expect(fine.take().filter((line) => line.includes('opens'))).toEqual([
      '1 opens m/1 and compares',
      '2 opens m/1',
      '3 opens m/1',
    ]);
    // The first process finds that the faster path is wrong: none may serve by it.
    const wrong = start(listing(1));
    const opens: Opens = (_, trusted) => (trusted ? 'lifted' : 'whole');
    await Promise.all([wrong.addProcess(opens).equipped, wrong.addProcess(opens).equipped]);
    expect(wrong.take()).toEqual(
      expect.arrayContaining(['1 opens m/1 and compares', '2 opens m/1', '2 opens m/1 and compares']),
    );
  });

  it('has no process serve files that have changed since the others opened them', async () => {
    const { addProcess, files } = start(listing(1));
    await addProcess().equipped;
    files.now = 'replaced';
    await expect(addProcess().equipped).rejects.toThrow('its files have changed');
  });

  it('compares anew when the process that compared is gone', async () => {
    const { addProcess, take } = start(listing(1));
    const first = addProcess(() => 'dies').equipped;
    const second = addProcess().equipped;
    await Promise.all([first, second]);
    expect(take()).toContain('2 opens m/1 and compares');
  });

  it('takes back a version that the last process refuses', async () => {
    const { rollout, addProcess, take, refresh } = start(listing(1));
    await addProcess().equipped;
    await addProcess((version) => (version === 2 ? 'refused' : 'lifted')).equipped;
    take();
    await refresh(listing(1, 2));
    expect(take()).toEqual(['1 opens m/2 and compares', '2 opens m/2', '1 serves m/1', '2 serves m/1']);
    expect(rollout.versions.map(({ state }) => state)).toEqual(['ready', 'refused']);
    await refresh(listing(1, 2));
    expect(take().filter((line) => line.includes('opens'))).toEqual([]);
    await rollout.retry();
    expect(take()).toContain('2 opens m/2');
  });

  it('refuses a version that two processes died of, and loses no more', async () => {
    const { rollout, addProcess, take, refresh } = start(listing(1));
    const dies: Opens = (version) => (version === 2 ? 'dies' : 'lifted');
    for (let count = 0; count < 3; count++) await addProcess(dies).equipped;
    take();
    await refresh(listing(1, 2));
    expect(take()).toEqual(['1 opens m/2 and compares', '2 opens m/2 and compares', '3 serves m/1']);
    expect(rollout.versions[1]).toMatchObject({
      state: 'refused',
      reason: 'processes died while they opened it',
    });
  });

  it('gives up a version that processes die of at the start, if there is another', async () => {
    const { addProcess, take } = start(listing(1, 2));
    const dies: Opens = (version) => (version === 2 ? 'dies' : 'lifted');
    for (let count = 0; count < 3; count++) await addProcess(dies).equipped;
    expect(take()).toEqual([
      '1 opens m/2 and compares',
      '2 opens m/2 and compares',
      '3 opens m/1 and compares',
      '3 serves m/1',
    ]);
  });

  it('equips a process that starts meanwhile with what the others come to serve', async () => {
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

  it('tries again what could not be fetched', async () => {
    const { rollout, fetch, addProcess, take, refresh } = start(listing(1));
    await addProcess().equipped;
    fetch.mockRejectedValueOnce(new ModelRefused('repository', 'it is down'));
    await refresh(listing(1, 2));
    expect(rollout.listing).toEqual(listing(1));
    take();
    await refresh(listing(1, 2));
    expect(take()).toEqual(['1 opens m/2 and compares', '1 serves m/2']);
  });

  it('refuses a version that cannot be fetched, at the start too, and tries it again by itself', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    try {
      const { rollout, fetch, addProcess, take, refresh } = start(listing(1, 2));
      fetch.mockRejectedValueOnce(new NotFetched('m/2', 'no room'));
      await addProcess().equipped;
      expect(take()).toEqual(['1 opens m/1 and compares', '1 serves m/1']);
      expect(rollout.versions.at(-1)).toMatchObject({ version: 2, state: 'refused', reason: 'no room' });
      fetch.mockRejectedValueOnce(new NotFetched('m/2', 'no room'));
      vi.advanceTimersByTime(5000);
      // Ends after the try, and is none itself.
      await refresh(listing(1, 2));
      expect(fetch).toHaveBeenCalledTimes(3);
      expect(rollout.versions.at(-1)).toMatchObject({ state: 'refused', reason: 'no room' });
      vi.advanceTimersByTime(10_000);
      await refresh(listing(1, 2));
      expect(take()).toContain('1 opens m/2 and compares');
      expect(rollout.versions.at(-1)).toMatchObject({ state: 'ready', served: true });
    } finally {
      vi.useRealTimers();
    }
  });
});
