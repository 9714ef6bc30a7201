import fc from 'fast-check';
import { inputsFor } from './inputs.ts';
import type { Target } from './target.ts';
import { MOST_MS } from './target.ts';

/** A minimized input that broke a target. */
export interface Finding {
  readonly input: Buffer;
  readonly reason: string;
}

/** @throws {Error} when the decoder breaks a promise, or takes too long */
async function check(target: Target, input: Buffer): Promise<void> {
  const started = performance.now();
  let timer: NodeJS.Timeout | undefined;
  const never = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error('it did not end')), 2 * MOST_MS);
  });
  try {
    await Promise.race([target.check(input), never]);
  } finally {
    clearTimeout(timer);
  }
  const ms = performance.now() - started;
  if (ms > MOST_MS) throw new Error(`it took ${Math.round(ms)} ms`);
}

const reasonOf = (error: unknown): string =>
  error instanceof Error ? (error.stack ?? error.message) : String(error);

/** Checks the seeds, then `runs` inputs that are derived from them. The same `seed` makes the same inputs. */
export async function attack(target: Target, seed: number, runs: number): Promise<Finding | undefined> {
  for (const input of target.seeds) {
    try {
      await check(target, input);
    } catch (error) {
      return { input, reason: reasonOf(error) };
    }
  }
  const property = fc.asyncProperty(inputsFor(target), (input) => check(target, input));
  const { failed, counterexample, errorInstance } = await fc.check(property, { seed, numRuns: runs });
  return failed && counterexample ? { input: counterexample[0], reason: reasonOf(errorInstance) } : undefined;
}
