import type { Transform } from 'node:stream';
import { promisify } from 'node:util';
import * as zlib from 'node:zlib';
import type { AppContext } from './context.ts';
import { header } from './header.ts';
import { readWeights } from './accept.ts';

/** One way to compress an answer, by its name among the content codings. */
export interface Compression {
  readonly coding: 'br' | 'zstd';
  /** Off the event loop. */
  readonly compress: (text: string) => Promise<Buffer<ArrayBuffer>>;
  readonly createStream: () => Transform;
}

/** A shorter answer fits into one or two packets anyway. nginx has the same limit for gzip. */
const MIN_LENGTH = 1024;

/** Node 22.15 and later have it. */
const { zstdCompress, createZstdCompress } = zlib as unknown as {
  readonly zstdCompress?: unknown;
  readonly createZstdCompress?: () => Transform;
};
type CompressText = (text: string, options?: object) => Promise<Buffer<ArrayBuffer>>;

// A MB takes some 10 ms; the default, 11, takes two seconds.
const BROTLI = {
  params: {
    [zlib.constants.BROTLI_PARAM_QUALITY]: 4,
    [zlib.constants.BROTLI_PARAM_MODE]: zlib.constants.BROTLI_MODE_TEXT,
  },
};
const brotli = promisify(zlib.brotliCompress) as CompressText;

/** In the order in which they are chosen if a client gives them the same weight. */
const COMPRESSIONS: readonly Compression[] = [
  ...(zstdCompress && createZstdCompress
    ? [
        {
          coding: 'zstd' as const,
          compress: promisify(zstdCompress as (...args: unknown[]) => void) as unknown as CompressText,
          createStream: createZstdCompress,
        },
      ]
    : []),
  {
    coding: 'br',
    compress: (text) => brotli(text, BROTLI),
    createStream: () => zlib.createBrotliCompress(BROTLI),
  },
];
const NAMED = /\b(?:br|zstd)\b/i;

/**
 * The compression of an answer. Undefined for a short answer, for a client that accepts neither coding, and for one that
 * gives gzip the same weight: nginx compresses that.
 *
 * @param accept the Accept-Encoding header
 */
export function compressionFor(accept: string | undefined, length: number): Compression | undefined {
  if (length < MIN_LENGTH || accept === undefined || !NAMED.test(accept)) return undefined;
  const weights = readWeights(accept);
  const weightOf = (coding: string): number => weights.get(coding) ?? 0;
  let most = Math.max(weightOf('gzip'), weightOf('identity'));
  let best: Compression | undefined;
  for (const compression of COMPRESSIONS) {
    if (!(weightOf(compression.coding) > most)) continue;
    most = weightOf(compression.coding);
    best = compression;
  }
  return best;
}

type Headers = Readonly<Record<string, string>>;

/** The headers of a compressed answer. */
export const compressedHeaders = ({ coding }: Compression, headers: Headers): Record<string, string> => ({
  ...headers,
  'content-encoding': coding,
  vary: headers['vary'] === undefined ? 'accept-encoding' : `${headers['vary']}, accept-encoding`,
});

/** Answers with a text. Compressed if the text is long enough and the client wants it; only then a promise. */
export function sendText(
  c: AppContext,
  body: string,
  headers: Headers,
  status = 200,
): Promise<Response> | Response {
  const compression = compressionFor(header(c, 'accept-encoding'), body.length);
  if (!compression) return new Response(body, { status, headers });
  return compression
    .compress(body)
    .then((bytes) => new Response(bytes, { status, headers: compressedHeaders(compression, headers) }));
}
