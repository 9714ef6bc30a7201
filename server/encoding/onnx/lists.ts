import { BinaryReader, WireType } from '@bufbuild/protobuf/wire';
import { guard } from './fields.ts';
import { OnnxRefused } from './refused.ts';

/** A list that grows by doubling, so that a count in the file never decides how much is allocated. */
interface Growing<T> {
  push(value: number): void;
  done(): T;
}

type NumberArray = Int32Array | Float32Array | Uint8Array;

function growing<T extends NumberArray>(allocate: (length: number) => T): Growing<T> {
  let values = allocate(64);
  let length = 0;
  return {
    push: (value) => {
      if (length === values.length) {
        const larger = allocate(2 * length);
        larger.set(values);
        values = larger;
      }
      values[length++] = value;
    },
    done: () => values.slice(0, length) as T,
  };
}

/**
 * Visits every element of one repeated field, packed or not; a tree ensemble has millions of them, so the tag, the
 * same for all, is compared as a byte rather than decoded.
 *
 * @param number of the field, at most 15
 */
function visit(
  bytes: Uint8Array,
  number: number,
  wire: WireType,
  take: (reader: BinaryReader, source: Uint8Array) => void,
): void {
  const reader = new BinaryReader(bytes);
  const tag = (number << 3) | wire;
  const packedTag = (number << 3) | WireType.LengthDelimited;
  guard('an attribute', () => {
    while (reader.pos < reader.len) {
      const byte = bytes[reader.pos];
      if (byte === tag) {
        reader.pos++;
        take(reader, bytes);
      } else if (byte === packedTag) {
        reader.pos++;
        const packed = reader.bytes();
        const elements = new BinaryReader(packed);
        while (elements.pos < elements.len) take(elements, packed);
      } else {
        const [other, otherWire] = reader.tag();
        if (other === number) throw new OnnxRefused('an attribute has a field of the wrong wire type');
        reader.skip(otherWire, other, 0);
      }
      // A field that ends behind the message was read from bytes that aren't there.
      if (reader.pos > reader.len) throw new OnnxRefused('an attribute is damaged');
    }
  });
}

/** A varint as an int32. */
function readInt32(reader: BinaryReader): number {
  const start = reader.pos;
  const value = reader.uint32();
  // Up to four bytes hold 28 bits, which is the usual case; uint32() drops what is over 32 bits.
  if (reader.pos - start < 5) return value;
  reader.pos = start;
  const whole = BigInt(reader.int64());
  if (BigInt.asIntN(32, whole) !== whole) throw new OnnxRefused('an index is out of range');
  return Number(whole);
}

/** All elements of a repeated int64 field, each of which must fit into an int32. */
export function readInt32s(bytes: Uint8Array, number: number): Int32Array {
  const list = growing((length) => new Int32Array(length));
  visit(bytes, number, WireType.Varint, (reader) => list.push(readInt32(reader)));
  return list.done();
}

/** All elements of a repeated float field. */
export function readFloats(bytes: Uint8Array, number: number): Float32Array {
  const list = growing((length) => new Float32Array(length));
  visit(bytes, number, WireType.Bit32, (reader) => list.push(reader.float()));
  return list.done();
}

/** Whether the bytes from `at` on are these; the end first, where the names of an enum differ. */
function matches(bytes: Uint8Array, at: number, name: Uint8Array): boolean {
  for (let i = name.length - 1; i >= 0; i--) if (bytes[at + i] !== name[i]) return false;
  return true;
}

/**
 * All elements of a repeated string field whose values are among a few names, as indexes into these.
 *
 * @throws {OnnxRefused} when one is none of them
 */
export function readEnums(bytes: Uint8Array, number: number, names: readonly string[]): Uint8Array {
  const known = names.map((name) => Buffer.from(name));
  const list = growing((length) => new Uint8Array(length));
  visit(bytes, number, WireType.LengthDelimited, (reader, source) => {
    const length = reader.uint32();
    const at = reader.pos;
    const index = known.findIndex((name) => name.length === length && matches(source, at, name));
    if (index === -1) throw new OnnxRefused('an attribute holds a name that is not known');
    reader.pos = at + length;
    list.push(index);
  });
  return list.done();
}
