import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Cleanup } from './cleanup.ts';
import { createCleanup } from './cleanup.ts';
import { BenchError } from '../../cli/errors.ts';

/** What all parts of a run share. */
export interface Context {
  /** Private, and gone at the end. */
  readonly folder: string;
  /** Aborted when the run is to end early. */
  readonly signal: AbortSignal;
  readonly cleanup: Cleanup;
}

export async function createContext(signal: AbortSignal): Promise<Context> {
  const folder = await mkdtemp(join(tmpdir(), 'servemodel-bench.')).catch((error: Error) => {
    throw new BenchError(`no temporary folder can be made: ${error.message}`);
  });
  const cleanup = createCleanup();
  cleanup.add(() => rm(folder, { recursive: true, force: true }));
  // nginx's workers are another user where root starts it, and have to reach the sockets within.
  await chmod(folder, 0o711);
  return { folder, signal, cleanup };
}
