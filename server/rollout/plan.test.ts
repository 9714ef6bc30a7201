import { describe, expect, it } from 'vitest';
import type { Listing } from '../repository/listing.ts';
import { byNameAndVersion, keyOf } from '../repository/listing.ts';
import type { Wishes } from './plan.ts';
import { keepServing, makePlan } from './plan.ts';
import type { Preferences } from '../repository/preferences.ts';
import { parsePreferences } from '../repository/preferences.ts';
import { parsePins } from '../settings/pins.ts';
import { candidate } from '../testing/candidate.ts';
import { describeVersions } from './versionStates.ts';
import { steady } from '../repository/watch.ts';

const listing = (texts: string, preferences: Preferences = {}): Listing => ({
  candidates: texts.split(' ').filter(Boolean).map(candidate).sort(byNameAndVersion),
  preferences,
});
const wishes = (changes: Partial<Wishes> & { versions?: string } = {}): Wishes => ({
  defaultModel: undefined,
  pins: parsePins(changes.versions ?? '') ?? new Map(),
  shadows: [],
  openVersions: 2,
  ...changes,
});
const refused = (...texts: string[]) => new Map(texts.map((text) => [keyOf(candidate(text)), 'it is bad']));

const show = ({ defaultModel, open, served, missing }: ReturnType<typeof makePlan>) => ({
  defaultModel,
  open: open.map(({ id, fingerprint }) => (fingerprint === 'a' ? id : `${id}@${fingerprint}`)).join(' '),
  served: [...served]
    .map((key) => key.replace(/@a$/, ''))
    .sort()
    .join(' '),
  missing: [...missing.values()].map(({ message }) => message),
});

describe('a plan', () => {
  it.each<[string, Listing, Wishes, Map<string, string>, object]>([
    [
      'serves the latest version of each model, and opens the newest ones',
      listing('b/1 a/2 a/10 a/9'),
      wishes(),
      refused(),
      { defaultModel: 'a', open: 'a/9 a/10 b/1', served: 'a/10 b/1', missing: [] },
    ],
    [
      'serves pinned versions: settings come before the repository',
      listing('a/1 a/2 a/3 b/1 b/2', { default: 'b', versions: { a: 2, b: 1 } }),
      wishes({ versions: 'a=1,*=latest', openVersions: 1 }),
      refused(),
      { defaultModel: 'b', open: 'a/1 a/3 b/1 b/2', served: 'a/1 b/1', missing: [] },
    ],
    [
      'opens a shadow of any age',
      listing('a/1 a/2 a/3'),
      wishes({ openVersions: 1, shadows: ['a/1'] }),
      refused(),
      { open: 'a/1 a/3', served: 'a/3' },
    ],
    [
      'falls back to the version before a bad one',
      listing('a/1 a/2'),
      wishes(),
      refused('a/2'),
      { open: 'a/1', served: 'a/1', missing: [] },
    ],
    [
      'leaves out a model whose pinned or only version is bad',
      listing('a/1 a/2 b/1'),
      wishes({ versions: 'a=2' }),
      refused('a/2', 'b/1'),
      { open: '', missing: ['model a/2 refused: it is bad', 'model b/1 refused: it is bad'] },
    ],
    [
      'reports what settings name and the repository does not hold',
      listing('a/1'),
      wishes({ defaultModel: 'x', versions: 'y=1,a=7', shadows: ['a/3'] }),
      refused(),
      {
        missing: [
          'model x refused: DEFAULT_MODEL names a model that the repository does not hold',
          'model y refused: MODEL_VERSIONS names a model that the repository does not hold',
          'model a/3 refused: SHADOW names a version that the repository does not hold',
          'model a refused: it is pinned to version 7, which the repository does not hold',
        ],
      },
    ],
  ])('%s', (_, list, wanted, refusals, expected) => {
    expect(show(makePlan(list, wanted, refusals))).toMatchObject(expected);
  });

  const next = (before: string, after: string, bad: Map<string, string>, wanted = wishes()) => {
    const current = makePlan(listing(before), wanted, refused());
    const list = listing(after);
    const plan = keepServing(makePlan(list, wanted, bad), current, list, bad);
    return {
      ...show(plan),
      states: describeVersions({
        listing: list,
        current: plan,
        refusals: bad,
        loading: undefined,
        wishes: wanted,
      }),
    };
  };

  it('keeps the served content of a version whose new content is bad', () => {
    const { open, served, states } = next('a/1 a/2', 'a/1 a/2@b', refused('a/2@b'));
    expect([open, served]).toEqual(['a/1 a/2', 'a/2']);
    expect(states[1]).toEqual({
      name: 'a',
      version: 2,
      served: true,
      state: 'ready',
      reason: 'not replaced: it is bad',
    });
  });

  it('keeps the default model when its files are gone, and drops other models', () => {
    const wanted = wishes({ defaultModel: 'a' });
    const { defaultModel, open, states } = next('a/1 b/1', 'c/1', refused(), wanted);
    expect([defaultModel, open]).toEqual(['a', 'a/1 c/1']);
    expect(states.map(({ name, state }) => [name, state])).toEqual([
      ['a', 'leaving'],
      ['c', 'ready'],
    ]);
  });

  it('serves another version when the served one is gone', () => {
    expect(next('a/1 a/2', 'a/1', refused())).toMatchObject({ open: 'a/1', served: 'a/1' });
  });
});

describe('a poll', () => {
  const ids = (list: Listing): string => list.candidates.map(keyOf).sort().join(' ');

  it.each([
    ['leaves out a version that is still being copied', 'a/1 a/2@x', 'a/1 a/2@y', 'a/1', 'a/1@a'],
    ['takes a version that has not changed since the last poll', 'a/1 a/2', 'a/1 a/2', 'a/1', 'a/1@a a/2@a'],
    ['keeps the earlier content of a version that is being replaced', 'a/1@b', 'a/1@c', 'a/1', 'a/1@a'],
    ['keeps a version for one poll after it has vanished', 'a/1 a/2', 'a/1', 'a/1 a/2', 'a/1@a a/2@a'],
    ['drops a version that stays away', 'a/1', 'a/1', 'a/1 a/2', 'a/1@a'],
  ])('%s', (_, before, now, applied, expected) => {
    expect(ids(steady(listing(now), listing(before), listing(applied)))).toBe(expected);
  });
});

describe('pins and preferences', () => {
  it('have one form', () => {
    expect([...(parsePins(' a=1 , b.c=latest,*=latest') ?? [])]).toEqual([
      ['a', 1],
      ['b.c', 'latest'],
      ['*', 'latest'],
    ]);
    for (const text of ['a', 'a=0', 'a=1.5', '=1', '*=1', 'a=1,a=2', 'a=new'])
      expect(parsePins(text)).toBeUndefined();
    expect(parsePreferences('{"default":"a","versions":{"a":3,"b":"latest"}}')).toEqual({
      default: 'a',
      versions: { a: 3, b: 'latest' },
    });
    for (const text of [
      '',
      '[]',
      '{"versions":{"a":"new"}}',
      '{"versions":1}',
      '{"default":1}',
      '{"pins":{}}',
    ])
      expect(() => parsePreferences(text)).toThrow(/^model repository refused: repository\.json /);
  });
});
