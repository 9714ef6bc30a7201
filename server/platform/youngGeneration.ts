import { getHeapSpaceStatistics, setFlagsFromString } from 'node:v8';

/**
 * Lets this process's young generation grow with what survives in it, to 32 MiB, or keeps it as large as it is until the
 * next thread is started. V8 hardly ever gives back what it has grown to. Not by an option: with any of V8's, Node
 * compiles its own modules at each start, which takes 17 ms of CPU time.
 */
export function letYoungGenerationGrow(isAllowed: boolean): void {
  // V8 reads it each time that it would grow. 2 is the default.
  setFlagsFromString(`--semi-space-growth-factor=${isAllowed ? 2 : 1}`);
}

/** In bytes. */
export const youngGenerationSize = (): number =>
  getHeapSpaceStatistics().find(({ space_name }) => space_name === 'new_space')?.space_size ?? 0;
