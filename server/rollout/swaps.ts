import { setTimeout as delay } from 'node:timers/promises';
import type { RolloutFromProcess, ServedSet } from './messages.ts';
import type { Recipient } from './openings.ts';

/** Time that a process has to swap, which is a few assignments. */
const SWAP_MS = 5000;

/** Has processes serve sets of versions. */
export interface Swaps {
  /** Resolves once the process serves the set, or is gone, or is frozen: then it swaps when it wakes. */
  serve(process: Recipient, set: ServedSet): Promise<void>;
  receive(id: number, message: Extract<RolloutFromProcess, { type: 'swapped' }>): void;
}

export function createSwaps(): Swaps {
  const swapping = new Map<string, () => void>();
  return {
    serve: async (process, set) => {
      const name = `${process.id} ${set.number}`;
      const swapped = new Promise<void>((resolve) => swapping.set(name, resolve));
      process.tell({ type: 'serve', set });
      await Promise.race([swapped, process.exited, delay(SWAP_MS, undefined, { ref: false })]);
      swapping.delete(name);
    },
    receive: (id, { number }) => swapping.get(`${id} ${number}`)?.(),
  };
}
