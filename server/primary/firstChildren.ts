import type { Logger } from 'pino';
import { fingerprintOf } from '../repository/folder.ts';
import type { Config } from '../settings/settings.ts';
import type { Verifier } from '../verification/verifier.ts';
import { createVerifier } from '../verification/verifier.ts';
import type { Processes } from './processes.ts';
import { createProcesses, killAllBut } from './processes.ts';

/** Time to compare one version's fast path, on a busy machine. */
const VERIFY_TIMEOUT_MS = 600_000;

export interface FirstChildrenOptions {
  readonly config: Config;
  readonly runtime: string;
  /** The entry of the process that compares fast paths. */
  readonly verifierEntry: URL;
  readonly log: Logger;
}

export interface FirstChildren {
  readonly processes: Processes;
  readonly verifier: Verifier;
  /** For a start that finds that it can't: processes that have just begun don't see the end of the primary at once. */
  kill(): void;
}

/** Without fast paths there is nothing to compare. @param beside whether requests are answered */
function chooseVerifier(
  { config: { ENGINE, MAX_MODEL_BYTES }, verifierEntry: entry, log }: FirstChildrenOptions,
  beside: () => boolean,
): Verifier {
  if (ENGINE === 'auto')
    return createVerifier({
      entry,
      maxModelBytes: MAX_MODEL_BYTES,
      timeoutMs: VERIFY_TIMEOUT_MS,
      beside,
      log,
    });
  return {
    start: () => {},
    verify: async ({ folder }) => ({ content: await fingerprintOf(folder) }),
    close: () => {},
  };
}

/** Forks the processes, which load their modules while the primary loads its own. */
export function forkFirstChildren(options: FirstChildrenOptions): FirstChildren {
  const { config, runtime, log } = options;
  const processes = createProcesses({ config, runtime, log });
  const verifier = chooseVerifier(options, () => processes.serving);
  verifier.start();
  // The primary waits for them, too, and then sees the error.
  processes.fill().catch(() => undefined);
  return {
    processes,
    verifier,
    kill: () => {
      verifier.close();
      killAllBut([]);
    },
  };
}
