import type { Logger } from 'pino';
import type { Keyring } from '../access/keyring.ts';
import { KeysUnreadable } from '../access/keys.ts';
import type { Rollout } from '../rollout/rollout.ts';
import type { Processes } from './processes.ts';

export interface ReloadOptions {
  readonly isStopping: () => boolean;
  readonly keyring: Pick<Keyring, 'reread'>;
  readonly rollout: Pick<Rollout, 'retry'>;
  readonly processes: Pick<Processes, 'roll'>;
  readonly log: Logger;
}

/**
 * Makes the reload of the server: keys and models are read again, then the processes are replaced. Reloads that are
 * requested while another runs become one that follows it.
 */
export function createReload(options: ReloadOptions): () => Promise<void> {
  const { isStopping, keyring, rollout, processes, log } = options;
  const rereadKeys = (): void => {
    try {
      keyring.reread();
    } catch (error) {
      if (!(error instanceof KeysUnreadable)) throw error;
      log.error({ reason: error.message }, 'cannot read the keys; keeping the current ones');
    }
  };
  let rolling = false;
  let again = false;
  const reload = async (): Promise<void> => {
    again = rolling;
    if (rolling || isStopping()) return;
    rolling = true;
    log.info('reloading');
    rereadKeys();
    await rollout.retry();
    await processes.roll();
    rolling = false;
    log.info('reload ended');
    if (again) await reload();
  };
  return reload;
}
