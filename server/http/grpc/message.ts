import { readFrame, readMessageCoding, type Framed } from '../../dialects/grpc/frame.ts';
import { Problem } from '../../errors/problem.ts';
import { readBytes } from '../body.ts';
import type { AppContext } from '../context.ts';
import { decompress } from '../decompress.ts';
import { header } from '../header.ts';

const TYPE = /^application\/grpc(?:\+proto)?\s*(?:;|$)/i;

/** Whether a request is a gRPC call, of any coding. */
export const isGrpc = (c: AppContext): boolean =>
  header(c, 'content-type')?.toLowerCase().startsWith('application/grpc') === true;

/** @throws {Problem} unsupported_media_type */
export function requireGrpc(c: AppContext): void {
  if (!TYPE.test(header(c, 'content-type') ?? ''))
    throw new Problem('unsupported_media_type', {
      detail: 'Send gRPC calls as application/grpc, in protobuf.',
    });
}

/**
 * The bytes of a message as it came. A promise only if it is compressed.
 *
 * @throws {Problem} unsupported_media_type, body_too_large or invalid_compression
 */
export function unpack(c: AppContext, framed: Framed, maxBytes: number): Promise<Buffer> | Buffer {
  const coding = readMessageCoding(header(c, 'grpc-encoding'));
  if (!framed.isCompressed) return framed.bytes;
  if (coding !== undefined) return decompress(framed.bytes, coding, maxBytes);
  throw new Problem('invalid_compression', {
    detail: 'The message is marked as compressed, but the header grpc-encoding names no coding.',
  });
}

/** The one message of a unary call. @throws {Problem} as `readBytes`, `readFrame` and `unpack` */
export async function readMessage(c: AppContext, maxBytes: number): Promise<Buffer> {
  requireGrpc(c);
  return unpack(c, readFrame(await readBytes(c, maxBytes)), maxBytes);
}
