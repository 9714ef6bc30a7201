import type { Transform } from 'node:stream';
import { promisify } from 'node:util';
import * as zlib from 'node:zlib';
import type { AppContext } from './context.ts';
import { header } from './header.ts';
import { readWeights } from './accept.ts';

/** One way to pack an answer, by its name among the content codings. */
export interface Packing {
  readonly coding: 'br' | 'zstd';
  /** Off the event loop. */
  readonly pack: (text: string) => Promise<Buffer<ArrayBuffer>>;
  readonly createStream: () => Transform;
}

/** A shorter answer fits into a packet or two anyway; nginx has the same bound for gzip. */
const LEAST_LENGTH = 1024;

/** Node 22.15 and later have it. */
const { zstdCompress, createZstdCompress } = zlib as unknown as {
  readonly zstdCompress?: unknown;
  readonly createZstdCompress?: () => Transform;
};
type Compress = (text: string, options?: object) => Promise<Buffer<ArrayBuffer>>;

// A MB takes some 10 ms; the default, 11, takes two seconds.
const BROTLI = {
  params: {
    [zlib.constants.BROTLI_PARAM_QUALITY]: 4,
    [zlib.constants.BROTLI_PARAM_MODE]: zlib.constants.BROTLI_MODE_TEXT,
  },
};
const brotli = promisify(zlib.brotliCompress) as Compress;

/** Of two that a client wants alike, the first is taken. */
const PACKINGS: readonly Packing[] = [
  ...(zstdCompress && createZstdCompress
    ? [
        {
          coding: 'zstd' as const,
          pack: promisify(zstdCompress as (...args: unknown[]) => void) as unknown as Compress,
          createStream: createZstdCompress,
        },
      ]
    : []),
  {
    coding: 'br',
    pack: (text) => brotli(text, BROTLI),
    createStream: () => zlib.createBrotliCompress(BROTLI),
  },
];
const NAMED = /\b(?:br|zstd)\b/i;

/**
 * How to pack an answer: undefined where it is short, where the client takes nothing of ours, and where it takes gzip as
 * gladly, which is nginx's.
 */
export function packingFor(c: AppContext, length: number): Packing | undefined {
  if (length < LEAST_LENGTH) return undefined;
  const accept = header(c, 'accept-encoding');
  if (accept === undefined || !NAMED.test(accept)) return undefined;
  const weights = readWeights(accept);
  const weightOf = (coding: string): number => weights.get(coding) ?? 0;
  let most = Math.max(weightOf('gzip'), weightOf('identity'));
  let best: Packing | undefined;
  for (const packing of PACKINGS) {
    if (!(weightOf(packing.coding) > most)) continue;
    most = weightOf(packing.coding);
    best = packing;
  }
  return best;
}

type Headers = Readonly<Record<string, string>>;

/** What a packed answer says beside its other headers. */
export const packedHeaders = ({ coding }: Packing, headers: Headers): Record<string, string> => ({
  ...headers,
  'content-encoding': coding,
  vary: headers['vary'] === undefined ? 'accept-encoding' : `${headers['vary']}, accept-encoding`,
});

/** Answers with a text: packed, where that is worth it and the client wants it; then as a promise. */
export function send(
  c: AppContext,
  body: string,
  headers: Headers,
  status = 200,
): Promise<Response> | Response {
  const packing = packingFor(c, body.length);
  if (!packing) return new Response(body, { status, headers });
  return packing
    .pack(body)
    .then((packed) => new Response(packed, { status, headers: packedHeaders(packing, headers) }));
}
