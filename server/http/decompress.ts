import type { Transform } from 'node:stream';
import { promisify } from 'node:util';
import * as zlib from 'node:zlib';
import { Problem } from '../errors/problem.ts';

/** The decompressed bytes; `engine.bytesWritten` is the number of bytes that were read. */
interface Decompressed {
  readonly buffer: Buffer;
  readonly engine: { readonly bytesWritten: number };
}

type DecompressBytes = (
  bytes: Uint8Array,
  options: { readonly maxOutputLength: number; readonly info: true },
) => Promise<Decompressed>;

/** A stream that decompresses, and counts the bytes that it read. */
type Decompressor = Transform & { readonly bytesWritten: number };

/** How one content coding is decompressed. */
interface Coding {
  readonly decompress: DecompressBytes;
  readonly createStream: () => Decompressor;
}

const coding = (decompress: unknown, createStream: () => Decompressor): Coding => ({
  decompress: promisify(decompress as (...args: unknown[]) => void),
  createStream,
});

/** Node 22.15 and later have it. */
const { zstdDecompress, createZstdDecompress } = zlib as unknown as {
  readonly zstdDecompress?: unknown;
  readonly createZstdDecompress?: () => Decompressor;
};

const gzip = coding(zlib.gunzip, zlib.createGunzip);
const CODINGS: ReadonlyMap<string, Coding> = new Map([
  ['gzip', gzip],
  ['x-gzip', gzip],
  // RFC 9110: the zlib format, not bare deflate.
  ['deflate', coding(zlib.inflate, zlib.createInflate)],
  ['br', coding(zlib.brotliDecompress, zlib.createBrotliDecompress)],
  ...(zstdDecompress && createZstdDecompress
    ? [['zstd', coding(zstdDecompress, createZstdDecompress)] as const]
    : []),
]);

const ACCEPTED = [...CODINGS.keys()].filter((name) => name !== 'x-gzip').join(', ');

/** @throws {Problem} unsupported_media_type for several codings, or one that isn't known */
function findCoding(header: string): Coding | undefined {
  const name = header.trim().toLowerCase();
  if (name === '' || name === 'identity') return undefined;
  const found = CODINGS.get(name);
  if (found) return found;
  throw new Problem('unsupported_media_type', {
    detail: `Send the body with one of these content encodings, or none: ${ACCEPTED}.`,
    headers: { 'accept-encoding': ACCEPTED },
  });
}

/** @throws {Problem} unsupported_media_type for a content coding that isn't known */
export const requireKnownCoding = (header: string): void => void findCoding(header);

/** An error of zlib as the client's. */
export const decompressionProblem = (cause: unknown): Problem =>
  (cause as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE'
    ? new Problem('body_too_large')
    : new Problem('invalid_compression', { cause });

/**
 * Decompresses a body, off the event loop. Stops as soon as more bytes than the limit are out.
 *
 * @throws {Problem} unsupported_media_type, body_too_large or invalid_compression
 */
export async function decompress(bytes: Buffer, header: string, maxBytes: number): Promise<Buffer> {
  const found = findCoding(header);
  if (!found) return bytes;
  try {
    const { buffer, engine } = await found.decompress(bytes, { maxOutputLength: maxBytes, info: true });
    // zlib ignores what follows the end of a stream.
    if (engine.bytesWritten < bytes.length) throw new Error('bytes after the end of the compressed body');
    return buffer;
  } catch (error) {
    throw decompressionProblem(error);
  }
}

/** A stream that decompresses; undefined without a content coding. @throws {Problem} unsupported_media_type */
export const createDecompressor = (header: string): Decompressor | undefined =>
  findCoding(header)?.createStream();
