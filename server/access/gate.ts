import { createHash, timingSafeEqual } from 'node:crypto';
import type { ApiKey } from './keys.ts';

/** Header values of a request; undefined where it has none of that name, in lower case. */
export type ReadHeader = (name: string) => string | undefined;

/** Admits requests that have a key. */
export interface Gate {
  /** Sets the keys. Without keys, no request is admitted. */
  replace(keys: readonly ApiKey[]): void;
  /** The client of the request's key; undefined without a known key. */
  clientOf(header: ReadHeader): string | undefined;
}

interface Known {
  readonly client: string;
  readonly digest: Buffer;
}

/** `Authorization: Bearer KEY` (RFC 6750, section 2.1), or `x-api-key: KEY`. */
function keyOf(header: ReadHeader): string | undefined {
  const authorization = header('authorization');
  const bearer = authorization === undefined ? undefined : /^bearer +(\S+) *$/i.exec(authorization)?.[1];
  return bearer ?? header('x-api-key');
}

export function createGate(): Gate {
  let known: readonly Known[] = [];
  return {
    replace: (keys) => {
      known = keys.map(({ client, digest }) => ({ client, digest: Buffer.from(digest, 'hex') }));
    },
    clientOf: (header) => {
      const key = keyOf(header);
      if (key === undefined) return undefined;
      const digest = createHash('sha256').update(key).digest();
      let found: string | undefined;
      // Compares all keys: the time must not depend on which one matches.
      for (const { client, digest: expected } of known) if (timingSafeEqual(digest, expected)) found = client;
      return found;
    },
  };
}
