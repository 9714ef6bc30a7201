import type { DriftFromProcess } from './messages.ts';
import type { Contents } from '../../model/catalogue.ts';
import { perModel } from '../../model/perModel.ts';
import type { OnAnswered } from '../../prediction/onAnswered.ts';
import { HEAD } from './profile.ts';
import type { Tally } from './tally.ts';
import { createTally } from './tally.ts';

/** How often a process sends new counts to the primary: a crash loses those since then. */
const SEND_EVERY_MS = 1000;

/** Counts answered rows by bin, and sends the counts to the primary. */
export interface DriftObserver {
  readonly observe: OnAnswered;
  follow(contents: Contents): void;
  close(): Promise<void>;
}

export function createDriftObserver(send: (message: DriftFromProcess) => Promise<void>): DriftObserver {
  const tallyOf = perModel((model) => createTally(model));
  let tallies: readonly Tally[] = [];
  const sentRows = new WeakMap<Tally, number>();
  let last = performance.now();

  const report = async (): Promise<void> => {
    const now = performance.now();
    for (const tally of tallies) tally.tick((now - last) / 1000);
    last = now;
    const fresh = tallies.filter((tally) => tally.counts[HEAD.rows] !== (sentRows.get(tally) ?? 0));
    if (fresh.length === 0) return;
    for (const tally of fresh) sentRows.set(tally, tally.counts[HEAD.rows] as number);
    await send({
      type: 'observed',
      counts: fresh.map(({ profile, counts }) => [profile.key, Array.from(counts)] as const),
    });
  };
  const timer = setInterval(() => void report(), SEND_EVERY_MS).unref();
  return {
    observe: ({ model, table, rows, answers }) => tallyOf(model).take(table, rows, answers),
    follow: ({ models }) => {
      // The last counts of versions that are closed now.
      void report();
      tallies = models.map(tallyOf);
      void send({ type: 'observing', profiles: tallies.map(({ profile }) => profile) });
    },
    close: async () => {
      clearInterval(timer);
      await report();
    },
  };
}
