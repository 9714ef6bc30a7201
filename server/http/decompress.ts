import type { Transform } from 'node:stream';
import { promisify } from 'node:util';
import * as zlib from 'node:zlib';
import { Problem } from '../errors/problem.ts';

/** What came out, and what it came out of: `engine.bytesWritten` is how many bytes went in. */
interface Unpacked {
  readonly buffer: Buffer;
  readonly engine: { readonly bytesWritten: number };
}

type Unpack = (
  bytes: Uint8Array,
  options: { readonly maxOutputLength: number; readonly info: true },
) => Promise<Unpacked>;

/** A stream that undoes a coding, and counts the bytes that went in. */
type Unpacker = Transform & { readonly bytesWritten: number };

/** How one content coding is undone. */
interface Coding {
  readonly unpack: Unpack;
  readonly createStream: () => Unpacker;
}

const coding = (unpack: unknown, createStream: () => Unpacker): Coding => ({
  unpack: promisify(unpack as (...args: unknown[]) => void),
  createStream,
});

/** Node 22.15 and later have it. */
const { zstdDecompress, createZstdDecompress } = zlib as unknown as {
  readonly zstdDecompress?: unknown;
  readonly createZstdDecompress?: () => Unpacker;
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
export const requireCoding = (header: string): void => void findCoding(header);

/** What zlib says of a stream that it can't read, as the client's error. */
export const unpackProblem = (cause: unknown): Problem =>
  (cause as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE'
    ? new Problem('body_too_large')
    : new Problem('invalid_compression', { cause });

/**
 * Undoes a body's content coding, off the event loop. What unpacks to more than the limit is given up as soon as that
 * many bytes are out.
 *
 * @throws {Problem} unsupported_media_type, body_too_large or invalid_compression
 */
export async function unpack(bytes: Buffer, header: string, maxBytes: number): Promise<Buffer> {
  const found = findCoding(header);
  if (!found) return bytes;
  try {
    const { buffer, engine } = await found.unpack(bytes, { maxOutputLength: maxBytes, info: true });
    // zlib leaves what stands behind the end of a stream alone.
    if (engine.bytesWritten < bytes.length) throw new Error('bytes behind the end of the packed body');
    return buffer;
  } catch (error) {
    throw unpackProblem(error);
  }
}

/** A stream that undoes the coding; undefined if there is none. @throws {Problem} unsupported_media_type */
export const createUnpacker = (header: string): Unpacker | undefined => findCoding(header)?.createStream();
