import type { IncomingMessage } from 'node:http';
import { requireUtf8 } from '../dialects/forms/utf8.ts';
import { Problem } from '../errors/problem.ts';
import type { AppContext } from './context.ts';
import { header } from './header.ts';
import { requireKnownCoding, decompress } from './decompress.ts';

const BYTE_ORDER_MARK = '\uFEFF';

/** The answer is sent while the body still arrives, so the connection can't be used again. */
export const tooLarge = (): Problem => new Problem('body_too_large', { headers: { connection: 'close' } });

/** Collects the bytes of a request as they come from the socket. Calls one of the two functions, once. */
export function collect(
  incoming: IncomingMessage,
  maxBytes: number,
  done: (bytes: Buffer) => void,
  fail: (problem: Problem) => void,
): void {
  // Its client went while it waited for a place, and no event will come.
  if (incoming.destroyed) {
    fail(new Problem('bad_request'));
    return;
  }
  let chunks: Buffer[] | undefined = [];
  let bytes = 0;
  incoming.on('data', (chunk: Buffer) => {
    if (chunks === undefined) return;
    bytes += chunk.length;
    if (bytes <= maxBytes) {
      chunks.push(chunk);
      return;
    }
    chunks = undefined;
    fail(tooLarge());
  });
  incoming.on('end', () => {
    if (chunks === undefined) return;
    const body = chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks);
    chunks = undefined;
    done(body);
  });
  // Comes after an error too, which needs no listener.
  incoming.on('close', () => {
    if (chunks === undefined) return;
    chunks = undefined;
    fail(new Problem('bad_request'));
  });
}

/**
 * Reads and decompresses a request's body.
 *
 * @param maxBytes limit of the body as it arrives and of the decompressed one
 * @throws {Problem} body_too_large, unsupported_media_type or invalid_compression
 */
export async function readBytes(c: AppContext, maxBytes: number): Promise<Buffer> {
  if (Number(header(c, 'content-length') ?? 0) > maxBytes) throw tooLarge();
  const coding = header(c, 'content-encoding');
  // Refused before its body arrives.
  if (coding !== undefined) requireKnownCoding(coding);
  const { incoming } = c.env;
  const bytes = incoming
    ? await new Promise<Buffer>((resolve, reject) => collect(incoming, maxBytes, resolve, reject))
    : Buffer.from(await c.req.arrayBuffer());
  if (bytes.length > maxBytes) throw tooLarge();
  return coding === undefined ? bytes : decompress(bytes, coding, maxBytes);
}

/** Decodes a body, without its byte order mark. @throws {Problem} invalid_encoding for bytes that are not UTF-8 */
export function toText(bytes: Buffer): string {
  requireUtf8(bytes);
  const text = bytes.toString('utf8');
  return text.startsWith(BYTE_ORDER_MARK) ? text.slice(1) : text;
}

/** Reads a request's body as text. @throws {Problem} as `readBytes` and `toText` */
export const readText = async (c: AppContext, maxBytes: number): Promise<string> =>
  toText(await readBytes(c, maxBytes));
