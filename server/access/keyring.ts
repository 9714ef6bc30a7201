import type { Config } from '../settings/settings.ts';
import type { ReadHeader } from './gate.ts';
import { createGate } from './gate.ts';
import type { ApiKey } from './keys.ts';
import { needsKeys, readKeys } from './keys.ts';

/** The keys in force, which the primary keeps for all processes: one that is replaced gets those of the others. */
export interface Keyring {
  readonly keys: readonly ApiKey[];
  /**
   * Reads them anew, and gives them to all processes.
   *
   * @throws {KeysUnreadable} those in force stay
   */
  reread(): void;
  /** Whether the metrics port may answer a request with these headers. */
  letsScrape(header: ReadHeader): boolean;
}

/**
 * @param share gives keys to all processes
 * @throws {KeysUnreadable}
 */
export function createKeyring(config: Config, share: (keys: readonly ApiKey[]) => void): Keyring {
  const gate = createGate();
  let keys = readKeys(config);
  gate.replace(keys);
  return {
    get keys() {
      return keys;
    },
    reread: () => {
      if (!needsKeys(config)) return;
      keys = readKeys(config);
      gate.replace(keys);
      share(keys);
    },
    letsScrape: (header) => config.METRICS_ACCESS === 'open' || gate.clientOf(header) !== undefined,
  };
}
