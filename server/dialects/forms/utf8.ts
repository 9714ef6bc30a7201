import { isUtf8 } from 'node:buffer';
import { Problem } from '../../errors/problem.ts';

const UTF16 = 'The body seems to be UTF-16: send it in UTF-8, which spreadsheets write as "CSV UTF-8".';

/** Whether a text that was decoded as UTF-8 begins as UTF-16 does without a byte order mark: each second byte is zero. */
export const looksUtf16 = (text: string): boolean => /^(?:[^\0]\0){2}|^(?:\0[^\0]){2}/.test(text.slice(0, 4));

/** @throws {Problem} invalid_encoding for what `looksUtf16` */
export function refuseUtf16(text: string): void {
  if (looksUtf16(text)) throw new Problem('invalid_encoding', { detail: UTF16 });
}

/** The position of the first byte that is not UTF-8. */
function firstInvalid(bytes: Uint8Array): number {
  const decoded = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('utf8');
  // Encoded again, all that is valid is the same; the rest has become U+FFFD.
  const again = Buffer.from(decoded);
  let at = 0;
  while (at < bytes.length && again[at] === bytes[at]) at++;
  return at;
}

/** The bytes by which UTF-16 is known. */
const HEAD = 4;

/**
 * The error for bytes that are not UTF-8.
 *
 * @param before number of bytes that went before them
 * @param head the first bytes of all
 */
function invalidEncoding(bytes: Uint8Array, before = 0, head = bytes, cause?: unknown): Problem {
  const [first = 0, second = 0] = head;
  const marked = (first === 0xff && second === 0xfe) || (first === 0xfe && second === 0xff);
  const isUtf16 = marked || looksUtf16(Buffer.from(head.subarray(0, HEAD)).toString('latin1'));
  const at = before + firstInvalid(bytes) + 1;
  const detail = `The body is not valid UTF-8 at byte ${at}: send it in UTF-8, which spreadsheets write as "CSV UTF-8".`;
  return new Problem('invalid_encoding', { detail: isUtf16 ? UTF16 : detail, cause });
}

/** @throws {Problem} invalid_encoding */
export function requireUtf8(bytes: Uint8Array): void {
  if (!isUtf8(bytes)) throw invalidEncoding(bytes);
}

/** Bytes that a character may have in earlier pieces. */
const CARRIED = 3;

/** Decodes UTF-8 piece by piece, without a byte order mark. */
export interface Utf8Decoder {
  /** @throws {Problem} invalid_encoding */
  (bytes?: Uint8Array): string;
  /** Counts bytes that were read otherwise, between two characters. */
  skip(bytes: number): void;
}

export function createUtf8Decoder(): Utf8Decoder {
  const decoder = new TextDecoder('utf-8', { fatal: true });
  let before = 0;
  let head: Uint8Array = new Uint8Array(0);
  let carried = head;
  const decode = (bytes?: Uint8Array): string => {
    if (head.length < HEAD && bytes) head = Buffer.concat([head, bytes.subarray(0, HEAD)]);
    try {
      if (bytes === undefined) return decoder.decode();
      const text = decoder.decode(bytes, { stream: true });
      before += bytes.length;
      carried = bytes.length < CARRIED ? Buffer.concat([carried, bytes]) : bytes;
      // A copy: the bytes of a piece are overwritten by the next.
      carried = Uint8Array.from(carried.subarray(-CARRIED));
      return text;
    } catch (cause) {
      // A character that began in an earlier piece is looked at from its first byte.
      const start = carried.findIndex((byte) => byte >= 0xc0);
      const held = start === -1 ? new Uint8Array(0) : carried.subarray(start);
      throw invalidEncoding(Buffer.concat(bytes ? [held, bytes] : [held]), before - held.length, head, cause);
    }
  };
  const skip = (bytes: number): void => {
    before += bytes;
    carried = new Uint8Array(0);
  };
  return Object.assign(decode, { skip });
}
