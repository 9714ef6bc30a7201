import { afterEach, expect, it, vi } from 'vitest';
import { candidate } from '../testing/candidate.ts';
import type { Planner } from './planner.ts';
import type { RolloutToProcess } from './messages.ts';
import { createSendStates } from './sendStates.ts';

afterEach(() => void vi.useRealTimers());

it('sends the states of hundreds of versions some times a second while they are opened, the last one too', () => {
  vi.useFakeTimers();
  const planner: Pick<Planner, 'loading' | 'states'> = {
    loading: undefined,
    states: () => [
      { name: planner.loading?.name ?? '-', version: 1, served: false, state: 'loading', reason: '' },
    ],
  };
  const sent: string[] = [];
  const process = {
    id: 1,
    exited: new Promise(() => {}),
    send: (message: RolloutToProcess) =>
      void sent.push(message.type === 'versions' ? (message.versions[0]?.name ?? '') : message.type),
  };
  const holding = { process, keys: new Set<string>(), missing: new Map<string, string>(), equipped: true };
  const sendStates = createSendStates(planner, { equipped: [holding] });
  for (let opened = 0; opened < 300; opened++) {
    planner.loading = candidate(`m${opened}/1`);
    sendStates();
    vi.advanceTimersByTime(10);
  }
  vi.advanceTimersByTime(1000);
  expect(sent[0]).toBe('m0');
  expect(sent.at(-1)).toBe('m299');
  expect(sent.length).toBeLessThan(20);
  expect(vi.getTimerCount()).toBe(0);
});
