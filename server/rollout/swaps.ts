import { setTimeout as delay } from 'node:timers/promises';
import type { VersionState } from '../model/catalogue.ts';
import type { Holding } from './holdings.ts';
import type { RolloutFromProcess } from './messages.ts';
import type { Plan } from './plan.ts';
import { servedSet } from './servedSet.ts';

/** Time that a process has to swap, which is a few assignments. */
const SWAP_MS = 5000;

/** Has processes serve sets of versions. */
export interface Swaps {
  /**
   * Sends a process its set of a plan. Resolves once it serves the set, has exited, or has not replied in time: a frozen
   * process swaps when it continues.
   */
  serve(holding: Holding, plan: Plan, versions: readonly VersionState[]): Promise<void>;
  receive(id: number, message: Extract<RolloutFromProcess, { type: 'swapped' }>): void;
}

export function createSwaps(): Swaps {
  const swapping = new Map<string, () => void>();
  let sets = 0;
  return {
    serve: async ({ process, keys, missing }, plan, versions) => {
      const set = servedSet(++sets, plan, versions, missing);
      for (const key of keys) if (!set.open.includes(key)) keys.delete(key);
      const name = `${process.id} ${set.number}`;
      const swapped = new Promise<void>((resolve) => swapping.set(name, resolve));
      process.send({ type: 'serve', set });
      await Promise.race([swapped, process.exited, delay(SWAP_MS, undefined, { ref: false })]);
      swapping.delete(name);
    },
    receive: (id, { number }) => swapping.get(`${id} ${number}`)?.(),
  };
}
