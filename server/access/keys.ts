import { readFileSync } from 'node:fs';
import type { Config } from '../settings/settings.ts';

/** An API key, without the key itself, which is kept nowhere. */
export interface ApiKey {
  /** Names the client in metrics. */
  readonly client: string;
  /** SHA-256 of the key, as 64 lower-case hexadecimal digits. */
  readonly digest: string;
}

/** The keys can't be read. The message names the place, never its content. */
export class KeysUnreadable extends Error {
  constructor(reason: string) {
    super(reason);
    this.name = 'KeysUnreadable';
  }
}

const ENTRY = /^([A-Za-z0-9][A-Za-z0-9._-]{0,63}):([0-9a-f]{64})$/;
const FORM = 'CLIENT:DIGEST, where DIGEST is 64 hexadecimal digits';

/** Whether clients need a key. */
export const needsKeys = ({ API_KEYS, API_KEYS_FILE }: Pick<Config, 'API_KEYS' | 'API_KEYS_FILE'>): boolean =>
  API_KEYS.length > 0 || API_KEYS_FILE !== undefined;

/** A client may have several keys, so that it can change to a new one before the old one is removed. */
export function parseKeys(entries: readonly string[], place: (index: number) => string): ApiKey[] {
  return entries.flatMap((entry, index) => {
    const text = entry.trim();
    if (text === '' || text.startsWith('#')) return [];
    const [, client, digest] = ENTRY.exec(text) ?? [];
    if (client === undefined || digest === undefined)
      throw new KeysUnreadable(`${place(index)} is not ${FORM}`);
    return [{ client, digest }];
  });
}

function readKeysFile(file: string): ApiKey[] {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    throw new KeysUnreadable(
      `API_KEYS_FILE can't be read: ${(error as NodeJS.ErrnoException).code ?? 'unknown'}`,
    );
  }
  const keys = parseKeys(text.split('\n'), (index) => `API_KEYS_FILE, line ${index + 1}`);
  // An empty file would refuse all clients: more likely it is being written.
  if (keys.length === 0) throw new KeysUnreadable('API_KEYS_FILE has no keys');
  return keys;
}

/**
 * The keys of both settings; empty where access is open.
 *
 * @throws {KeysUnreadable}
 */
export function readKeys({
  API_KEYS,
  API_KEYS_FILE,
}: Pick<Config, 'API_KEYS' | 'API_KEYS_FILE'>): readonly ApiKey[] {
  const own = parseKeys(API_KEYS, (index) => `API_KEYS, entry ${index + 1},`);
  return [...own, ...(API_KEYS_FILE === undefined ? [] : readKeysFile(API_KEYS_FILE))];
}
