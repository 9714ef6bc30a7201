import type { BinaryReader } from '@bufbuild/protobuf/wire';
import { BinaryReader as Reader, WireType } from '@bufbuild/protobuf/wire';
import { OnnxRefused } from './refused.ts';

/** How a field of a message is read; several wire types for a repeated number, which may be packed. */
export interface Field {
  readonly wires: readonly WireType[];
  readonly read: (reader: BinaryReader, wire: WireType) => void;
}

/** The fields of a message that we read, by number. All others are skipped. */
export type Fields = Readonly<Record<number, Field>>;

/** Groups are no part of ONNX; a few levels of them are skipped, as protobuf asks of an unknown field. */
const MAX_GROUP_DEPTH = 8;

/**
 * Reads one protobuf message, field by field.
 *
 * @throws {OnnxRefused} when the bytes end too early or a field has another wire type than it should have
 */
export function readMessage(bytes: Uint8Array, what: string, fields: Fields): void {
  const reader = new Reader(bytes);
  guard(what, () => {
    while (reader.pos < reader.len) {
      const [number, wire] = reader.tag();
      const field = fields[number];
      if (field === undefined) reader.skip(wire, number, MAX_GROUP_DEPTH);
      else if (field.wires.includes(wire)) field.read(reader, wire);
      else throw new OnnxRefused(`${what} has a field of the wrong wire type`);
    }
  });
}

/** Runs a piece of reading: whatever the library throws at damaged bytes becomes one line. */
export function guard<T>(what: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (error instanceof OnnxRefused) throw error;
    throw new OnnxRefused(`${what} is damaged`);
  }
}

/** A string. Invalid UTF-8 is refused: two damaged names must not become the same one. */
export const text = (take: (value: string) => void): Field => ({
  wires: [WireType.LengthDelimited],
  read: (reader) => take(reader.string(true)),
});

/** Bytes or a message, which stays undecoded. The bytes are a view, not a copy. */
export const bytes = (take: (value: Uint8Array) => void): Field => ({
  wires: [WireType.LengthDelimited],
  read: (reader) => take(reader.bytes()),
});

const repeated = (wire: WireType, take: (reader: BinaryReader) => void): Field => ({
  wires: [wire, WireType.LengthDelimited],
  read: (reader, found) => {
    if (found === wire) return take(reader);
    const packed = new Reader(reader.bytes());
    while (packed.pos < packed.len) take(packed);
  },
});

/** An int64, alone or repeated: ONNX is proto2, where a writer may pack repeated numbers or not. */
export const int64 = (take: (value: bigint) => void): Field =>
  repeated(WireType.Varint, (reader) => take(BigInt(reader.int64())));

/** A varint of at most 32 bits, such as an enum. */
export const int32 = (take: (value: number) => void): Field =>
  repeated(WireType.Varint, (reader) => take(reader.int32()));

export const float = (take: (value: number) => void): Field =>
  repeated(WireType.Bit32, (reader) => take(reader.float()));

export const double = (take: (value: number) => void): Field =>
  repeated(WireType.Bit64, (reader) => take(reader.double()));
