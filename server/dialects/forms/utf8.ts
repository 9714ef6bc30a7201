import { Problem } from '../../errors/problem.ts';

/** Decodes UTF-8 piece by piece, without a byte order mark. @throws {Problem} invalid_encoding */
export function createUtf8Decoder(): (bytes?: Uint8Array) => string {
  const decoder = new TextDecoder('utf-8', { fatal: true });
  return (bytes) => {
    try {
      return bytes ? decoder.decode(bytes, { stream: true }) : decoder.decode();
    } catch (cause) {
      throw new Problem('invalid_encoding', { cause });
    }
  };
}
