import { totalmem } from 'node:os';

/** Bytes that this process and those beside it may use: the container's limit, or else what the machine has. */
export function availableMemory(): number {
  const limit = process.constrainedMemory();
  // Without a limit, 0 or more than any machine has.
  return limit > 0 ? Math.min(limit, totalmem()) : totalmem();
}
