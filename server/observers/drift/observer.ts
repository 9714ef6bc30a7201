import type { DriftFromProcess } from './messages.ts';
import type { Contents } from '../../model/catalogue.ts';
import type { Model } from '../../model/model.ts';
import { onBeat } from '../../platform/beat.ts';
import type { OnAnswered } from '../../prediction/onAnswered.ts';
import { HEAD, profileOf } from './profile.ts';
import type { Tally } from './tally.ts';
import { createTally } from './tally.ts';

/** Counts answered rows by bin, and sends new counts to the primary at each beat: a crash loses those since then. */
export interface DriftObserver {
  readonly observe: OnAnswered;
  follow(contents: Contents): void;
  close(): Promise<void>;
}

export function createDriftObserver(send: (message: DriftFromProcess) => Promise<void>): DriftObserver {
  /** Of the models that have answered: there may be many that never do. */
  const tallies = new Map<Model, Tally>();
  const sentRows = new WeakMap<Tally, number>();
  let last = performance.now();

  const report = async (): Promise<void> => {
    const now = performance.now();
    for (const tally of tallies.values()) tally.tick((now - last) / 1000);
    last = now;
    const fresh = [...tallies.values()].filter(
      (tally) => tally.counts[HEAD.rows] !== (sentRows.get(tally) ?? 0),
    );
    if (fresh.length === 0) return;
    for (const tally of fresh) sentRows.set(tally, tally.counts[HEAD.rows] as number);
    await send({
      type: 'observed',
      counts: fresh.map(({ profile, counts }) => [profile.key, Array.from(counts)] as const),
    });
  };
  const begin = (model: Model): Tally => {
    const tally = createTally(model);
    tallies.set(model, tally);
    return tally;
  };
  const stop = onBeat(() => void report());
  return {
    observe: ({ model, table, rows, answers }) =>
      (tallies.get(model) ?? begin(model)).take(table, rows, answers),
    follow: ({ models }) => {
      // The last counts of versions that are closed now.
      void report();
      for (const model of tallies.keys()) if (!models.includes(model)) tallies.delete(model);
      void send({ type: 'observing', profiles: models.map(profileOf) });
    },
    close: async () => {
      stop();
      await report();
    },
  };
}
