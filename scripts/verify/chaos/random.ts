import { createRandom } from '../../cli/createRandom.ts';

/** Random moments and victims, the same ones for the same seed. */
export interface Chance {
  /** From 0 up to 1. */
  next(): number;
  pick<T>(from: readonly T[]): T;
}

export function createChance(seed: number): Chance {
  const next = createRandom(seed);
  return { next, pick: (from) => from[Math.floor(next() * from.length)] as (typeof from)[number] };
}
