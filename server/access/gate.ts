import { createHash, timingSafeEqual } from 'node:crypto';
import type { ApiKey } from './keys.ts';

/** Header values of a request; undefined where it has none of that name, in lower case. */
export type ReadHeader = (name: string) => string | undefined;

/** Lets in whoever has a key. */
export interface Gate {
  /** The keys from now on. Before the first ones, nobody is let in. */
  replace(keys: readonly ApiKey[]): void;
  /** The client that the request's key names; undefined if it has none that is known. */
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
      // All of them, whichever it is: the time must not tell how far a guess came.
      for (const { client, digest: expected } of known) if (timingSafeEqual(digest, expected)) found = client;
      return found;
    },
  };
}
