import { Problem } from '../../errors/problem.ts';
import { invalidBody } from '../forms/json.ts';

/** Before each message: whether it is compressed, and its length. */
export const FRAME_BYTES = 5;

/** The codings of messages that are read, beside `identity`. */
const CODINGS: readonly string[] = ['gzip', 'deflate'];
/** For the header `grpc-accept-encoding`. */
const ACCEPTED = ['identity', ...CODINGS].join(',');

/** A message as it came. */
export interface Framed {
  readonly isCompressed: boolean;
  readonly bytes: Buffer;
}

/** The first message of a stream and the bytes after it; undefined if it is not complete. @throws {Problem} invalid_body */
export function takeFrame(bytes: Buffer): { readonly framed: Framed; readonly rest: Buffer } | undefined {
  if (bytes.length < FRAME_BYTES) return undefined;
  const flag = bytes[0] as number;
  if (flag > 1) throw invalidBody('The compressed flag before the message must be 0 or 1.');
  const end = FRAME_BYTES + bytes.readUInt32BE(1);
  if (bytes.length < end) return undefined;
  return {
    framed: { isCompressed: flag === 1, bytes: bytes.subarray(FRAME_BYTES, end) },
    rest: bytes.subarray(end),
  };
}

/** The one message of a unary call. @throws {Problem} invalid_body */
export function readFrame(bytes: Buffer): Framed {
  const taken = takeFrame(bytes);
  if (taken === undefined)
    throw invalidBody(
      bytes.length === 0
        ? 'The call has no message.'
        : 'The message is shorter than the length before it says.',
    );
  if (taken.rest.length > 0)
    throw invalidBody(`The call has ${taken.rest.length} bytes after its message: it takes one message.`);
  return taken.framed;
}

/** The coding of compressed messages; undefined for none. @throws {Problem} unsupported_media_type */
export function readMessageCoding(header: string | undefined): string | undefined {
  if (header === undefined || header === 'identity') return undefined;
  if (CODINGS.includes(header)) return header;
  throw new Problem('unsupported_media_type', {
    detail: `Send messages with one of these codings: ${ACCEPTED}.`,
    headers: { 'grpc-accept-encoding': ACCEPTED },
  });
}

/** A message of this many bytes, uncompressed, to be filled in behind its frame. */
export function allocateFrame(bytes: number): Buffer {
  const frame = Buffer.allocUnsafe(FRAME_BYTES + bytes);
  frame[0] = 0;
  frame.writeUInt32BE(bytes, 1);
  return frame;
}

/** An uncompressed message with its frame. */
export function writeFrame(message: Uint8Array): Buffer {
  const frame = allocateFrame(message.length);
  frame.set(message, FRAME_BYTES);
  return frame;
}
