import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Failure } from '../../cli/faults.ts';

/** Loads go to this machine alone. */
export const LOOPBACK = '127.0.0.1';

/** What has to be undone before the end. */
export interface Cleanup {
  add(step: () => Promise<void>): void;
  /** Runs the steps, the latest first. A step that fails doesn't keep the others from running. */
  run(): Promise<void>;
}

/** What all parts of a run share. */
export interface Context {
  /** Private, and removed at the end. */
  readonly folder: string;
  /** Aborted when the run is to end early. */
  readonly signal: AbortSignal;
  readonly cleanup: Cleanup;
}

function createCleanup(): Cleanup {
  const steps: (() => Promise<void>)[] = [];
  return {
    add: (step) => void steps.push(step),
    run: async () => {
      for (let step = steps.pop(); step; step = steps.pop()) await step().catch(() => {});
    },
  };
}

export async function createContext(signal: AbortSignal): Promise<Context> {
  const folder = await mkdtemp(join(tmpdir(), 'servemodel-bench.')).catch((error: Error) => {
    throw new Failure(`cannot make a temporary folder: ${error.message}`);
  });
  const cleanup = createCleanup();
  cleanup.add(() => rm(folder, { recursive: true, force: true }));
  // nginx's workers run as another user where root starts it, and open the sockets in there.
  await chmod(folder, 0o711);
  return { folder, signal, cleanup };
}
