import { BinaryReader, BinaryWriter, WireType } from '@bufbuild/protobuf/wire';
import { OnnxRefused } from './onnxRefused.ts';
import { MAX_GROUP_DEPTH, guard } from './wireFields.ts';

/** What becomes of a field that holds bytes, a text or a message: others in their place, or the same ones. */
export type RewriteField = (bytes: Uint8Array) => Uint8Array;

/** A field to append. */
export type NewField = readonly [number: number, bytes: Uint8Array];

/** The tag and the length of a field that holds bytes. */
const head = (number: number, length: number): Uint8Array =>
  new BinaryWriter().tag(number, WireType.LengthDelimited).uint32(length).finish();

function concatenate(parts: readonly Uint8Array[]): Uint8Array {
  const all = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

/**
 * Rewrites some fields of a protobuf message and keeps the bytes of all others.
 *
 * @param fields by number; null removes a field of any wire type
 * @returns the same bytes if nothing changed
 * @throws {OnnxRefused} when the message is damaged
 */
export function rewriteMessage(
  bytes: Uint8Array,
  what: string,
  fields: Readonly<Record<number, RewriteField | null>>,
  added: readonly NewField[] = [],
): Uint8Array {
  const parts: Uint8Array[] = [];
  const reader = new BinaryReader(bytes);
  /** Where the bytes begin that are kept and not yet among the parts. */
  let kept = 0;
  guard(what, () => {
    while (reader.pos < reader.len) {
      const start = reader.pos;
      const [number, wire] = reader.tag();
      const rewrite = fields[number];
      if (!rewrite || wire !== WireType.LengthDelimited) {
        reader.skip(wire, number, MAX_GROUP_DEPTH);
        if (rewrite === null) {
          parts.push(bytes.subarray(kept, start));
          kept = reader.pos;
        }
        continue;
      }
      const value = reader.bytes();
      const next = rewrite(value);
      if (next === value) continue;
      parts.push(bytes.subarray(kept, start), head(number, next.length), next);
      kept = reader.pos;
    }
    if (reader.pos > reader.len) throw new OnnxRefused(`${what} is damaged`);
  });
  if (parts.length === 0 && added.length === 0) return bytes;
  parts.push(bytes.subarray(kept));
  for (const [number, value] of added) parts.push(head(number, value.length), value);
  return concatenate(parts);
}
