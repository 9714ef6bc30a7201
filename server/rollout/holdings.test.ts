import { expect, it } from 'vitest';
import { keyOf } from '../repository/listing.ts';
import { createHoldings, nextFor } from './holdings.ts';
import { candidate } from '../testing/candidate.ts';
import type { Plan } from './plan.ts';

const plan = (...ids: string[]): Plan => ({
  defaultModel: 'm',
  open: ids.map(candidate),
  served: new Set(),
  missing: new Map(),
});
const recipient = (id: number) => ({ id, send: () => undefined, exited: new Promise(() => {}) });
const [one, two] = ['m/1', 'm/2'].map((id) => keyOf(candidate(id))) as [string, string];

it('a process opens the versions of a plan in order, without those that it could not open', () => {
  const holding = createHoldings().add(recipient(1));
  expect(nextFor(holding, plan('m/1', 'm/2'))?.id).toBe('m/1');
  holding.keys.add(one);
  expect(nextFor(holding, plan('m/1', 'm/2'))?.id).toBe('m/2');
  holding.missing.set(two, 'bad');
  expect(nextFor(holding, plan('m/1', 'm/2'))).toBeUndefined();
});

it('only equipped processes count as holders, and are next to open a version', () => {
  const holdings = createHoldings();
  const [first, second] = [1, 2].map((id) => holdings.add(recipient(id))) as [
    ReturnType<typeof holdings.add>,
    ReturnType<typeof holdings.add>,
  ];
  first.keys.add(one);
  expect([holdings.isHeld(one), holdings.next(plan('m/2'))]).toEqual([false, undefined]);
  first.equipped = second.equipped = true;
  expect(holdings.isHeld(one)).toBe(true);
  expect(holdings.next(plan('m/1'))).toMatchObject({ holding: second, candidate: { id: 'm/1' } });
  holdings.remove(1);
  expect(holdings.isHeld(one)).toBe(false);
  expect(holdings.equipped).toEqual([second]);
});

it('the reason why a process is without a version stays until it may try again', () => {
  const holdings = createHoldings();
  const holding = holdings.add(recipient(1));
  holding.missing.set(one, 'bad');
  expect([holdings.anyMissing(), holdings.missingReason(one)]).toEqual([false, undefined]);
  holding.equipped = true;
  expect([holdings.anyMissing(), holdings.missingReason(one)]).toEqual([true, 'bad']);
  holdings.clearMissing();
  expect([holdings.anyMissing(), holdings.missingReason(one)]).toEqual([false, undefined]);
});
