import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire';
import { expect, it } from 'vitest';
import { OnnxRefused } from './onnxRefused.ts';
import { rewriteMessage } from './rewrite.ts';

const MESSAGE = new BinaryWriter()
  .tag(1, WireType.LengthDelimited)
  .string('first')
  .tag(14, WireType.Varint)
  .int32(1)
  .tag(1, WireType.LengthDelimited)
  .string('second')
  .tag(200, WireType.Bit32)
  .float(0.5)
  .finish();

const texts = (change: (text: string) => string) => (bytes: Uint8Array) => {
  const text = Buffer.from(bytes).toString();
  return change(text) === text ? bytes : Buffer.from(change(text));
};

it('returns the same bytes when nothing changes', () => {
  expect(rewriteMessage(MESSAGE, 'it', { 1: texts((text) => text), 3: null })).toBe(MESSAGE);
});

it('replaces, removes and adds fields, and keeps the bytes of the others', () => {
  const changed = rewriteMessage(
    MESSAGE,
    'it',
    { 1: texts((text) => (text === 'second' ? 'a longer one' : text)), 14: null },
    [[9, Uint8Array.of(7)]],
  );
  const wanted = new BinaryWriter()
    .tag(1, WireType.LengthDelimited)
    .string('first')
    .tag(1, WireType.LengthDelimited)
    .string('a longer one')
    .tag(200, WireType.Bit32)
    .float(0.5)
    .tag(9, WireType.LengthDelimited)
    .bytes(Uint8Array.of(7))
    .finish();
  expect(Buffer.from(changed)).toEqual(Buffer.from(wanted));
});

it('refuses damaged bytes', () => {
  for (let length = 1; length < 7; length++)
    expect(() => rewriteMessage(MESSAGE.subarray(0, length), 'it', {})).toThrow(OnnxRefused);
});
