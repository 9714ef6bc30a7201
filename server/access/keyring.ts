import type { Config } from '../settings/settings.ts';
import type { ReadHeader } from './gate.ts';
import { createGate } from './gate.ts';
import type { ApiKey } from './keys.ts';
import { needsKeys, readKeys } from './keys.ts';

/** The current keys, which the primary keeps for all processes, also for those that it starts later. */
export interface Keyring {
  readonly keys: readonly ApiKey[];
  /**
   * Reads the keys again, and sends them to all processes.
   *
   * @throws {KeysUnreadable} the current keys stay
   */
  reread(): void;
  /** Whether the metrics port may answer a request with these headers. */
  mayScrape(header: ReadHeader): boolean;
}

/**
 * @param share sends keys to all processes
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
    mayScrape: (header) => config.METRICS_ACCESS === 'open' || gate.clientOf(header) !== undefined,
  };
}
