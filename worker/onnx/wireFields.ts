import { BinaryReader, WireType } from '@bufbuild/protobuf/wire';
import { OnnxRefused } from './onnxRefused.ts';

/** How a field of a message is read; several wire types for a repeated number, which may be packed. */
export interface Field {
  readonly wires: readonly WireType[];
  readonly read: (reader: BinaryReader, wire: WireType) => void;
}

/** The fields of a message that are read, by number. All others are skipped. */
export type Fields = Readonly<Record<number, Field>>;

/** ONNX has no groups; a few levels of them are skipped, as protobuf requires for unknown fields. */
export const MAX_GROUP_DEPTH = 8;

/**
 * Reads one protobuf message, field by field.
 *
 * @throws {OnnxRefused} when the bytes end too early or a field has another wire type than it should have
 */
export function readMessage(bytes: Uint8Array, what: string, fields: Fields): void {
  const reader = new BinaryReader(bytes);
  guard(what, () => {
    while (reader.pos < reader.len) {
      const [number, wire] = reader.tag();
      const field = fields[number];
      if (field === undefined) skipField(reader, number, wire, bytes);
      else if (field.wires.includes(wire)) field.read(reader, wire);
      else throw new OnnxRefused(`${what} has a field of the wrong wire type`);
    }
    if (reader.pos > reader.len) throw new OnnxRefused(`${what} is damaged`);
  });
}

/** Longest varint. */
const MAX_VARINT = 10;

/** As the library's skip(), which makes a view of each field: too slow for the millions of fields of a forest. */
export function skipField(reader: BinaryReader, number: number, wire: WireType, bytes: Uint8Array): void {
  if (wire === WireType.LengthDelimited) {
    const length = reader.uint32();
    reader.pos += length;
  } else if (wire === WireType.Bit32) reader.pos += 4;
  else if (wire === WireType.Varint) reader.uint32();
  else {
    reader.skip(wire, number, MAX_GROUP_DEPTH);
    return;
  }
  if (number <= 15) reader.pos = skipRun(bytes, reader.pos, (number << 3) | wire, wire);
}

/**
 * Skips further elements of a repeated field whose tag has one byte.
 *
 * @returns the position behind them; the reader, which checks bounds, takes the last ones
 */
function skipRun(bytes: Uint8Array, from: number, tag: number, wire: WireType): number {
  const last = bytes.length - MAX_VARINT - 1;
  let pos = from;
  while (pos <= last && bytes[pos] === tag) {
    let next = pos + 1;
    const byte = bytes[next] as number;
    if (wire === WireType.Bit32) next += 4;
    else if (wire === WireType.LengthDelimited) {
      if (byte >= 0x80) break;
      next += 1 + byte;
    } else {
      while ((bytes[next] as number) >= 0x80 && next < pos + MAX_VARINT) next++;
      if ((bytes[next++] as number) >= 0x80) break;
    }
    if (next > bytes.length) break;
    pos = next;
  }
  return pos;
}

/** Turns what the library throws at damaged bytes into one line. */
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

/**
 * A number, alone or repeated: ONNX is proto2, where a writer may pack repeated numbers or not.
 *
 * @param take reads one element
 * @param takeRun reads on behind an element that isn't packed, as far as more of them follow
 */
export const repeated = (
  wire: WireType,
  take: (reader: BinaryReader) => void,
  takeRun?: (reader: BinaryReader) => void,
): Field => ({
  wires: [wire, WireType.LengthDelimited],
  read: (reader, found) => {
    if (found === wire) {
      take(reader);
      return takeRun?.(reader);
    }
    const packed = new BinaryReader(reader.bytes());
    while (packed.pos < packed.len) take(packed);
  },
});

export const int64 = (take: (value: bigint) => void): Field =>
  repeated(WireType.Varint, (reader) => take(BigInt(reader.int64())));

/** A varint of at most 32 bits, such as an enum. */
export const int32 = (take: (value: number) => void): Field =>
  repeated(WireType.Varint, (reader) => take(reader.int32()));

export const float = (take: (value: number) => void): Field =>
  repeated(WireType.Bit32, (reader) => take(reader.float()));

export const double = (take: (value: number) => void): Field =>
  repeated(WireType.Bit64, (reader) => take(reader.double()));

/**
 * An int64 as a number.
 *
 * @throws {OnnxRefused} when a float64 can't hold it exactly
 */
export function exactNumber(value: bigint): number {
  const number = Number(value);
  if (BigInt(number) !== value) throw new OnnxRefused('an integer is too large to be held exactly');
  return number;
}

/** @throws {OnnxRefused} when the number isn't from 0 to `most` */
export function smallCount(value: bigint, most: number, what: string): number {
  if (value < 0n || value > BigInt(most)) throw new OnnxRefused(`${what} is out of range`);
  return Number(value);
}
