import { describe, expect, it } from 'vitest';
import { Problem } from '../../errors/problem.ts';
import { createUtf8Decoder, requireUtf8 } from './utf8.ts';

const UTF16 = 'The body seems to be UTF-16: send it in UTF-8, which spreadsheets write as "CSV UTF-8".';
const atByte = (at: number): string =>
  `The body is not valid UTF-8 at byte ${at}: send it in UTF-8, which spreadsheets write as "CSV UTF-8".`;

function decode(bytes: Uint8Array, size: number): string {
  const decoder = createUtf8Decoder();
  let text = '';
  for (let at = 0; at < bytes.length; at += size) text += decoder(bytes.subarray(at, at + size));
  return text + decoder();
}

const refused = (read: () => unknown): string => {
  try {
    read();
  } catch (error) {
    if (error instanceof Problem && error.code === 'invalid_encoding') return error.message;
    throw error;
  }
  throw new Error('the bytes were taken');
};

describe('bytes that are not UTF-8', () => {
  it.each<[string, Buffer, string]>([
    ['UTF-16 with a mark', Buffer.from('\uFEFFn,s', 'utf16le'), UTF16],
    ['UTF-16 with a mark, big-endian', Buffer.from('\uFEFFn,s', 'utf16le').swap16(), UTF16],
    ['UTF-16 without a mark', Buffer.from('n,s\n1,é', 'utf16le'), UTF16],
    ['Windows-1252', Buffer.from('n,s\n1,é\n', 'latin1'), atByte(7)],
    [
      'a byte behind characters of several bytes',
      Buffer.from([0xc3, 0xa9, 0xc3, 0xa9, 0xe9, 0x2c]),
      atByte(5),
    ],
    ['a character that is cut off', Buffer.from([0x61, 0xe2, 0x82]), atByte(2)],
  ])('%s are named', (_, bytes, sentence) => {
    expect(refused(() => requireUtf8(bytes))).toBe(sentence);
    expect(refused(() => decode(bytes, Infinity))).toBe(sentence);
    if (sentence === UTF16) return;
    for (const size of [1, 2, 3, 4])
      expect(
        refused(() => decode(bytes, size)),
        `by ${size}`,
      ).toBe(sentence);
  });

  it('a text with U+FFFD of its own is one', () => {
    for (const size of [1, 2, Infinity]) expect(decode(Buffer.from('\uFEFFa\uFFFDé'), size)).toBe('a\uFFFDé');
  });
});
