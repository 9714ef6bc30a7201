import { BinaryReader, WireType } from '@bufbuild/protobuf/wire';
import { guard } from './fields.ts';
import { OnnxRefused } from './refused.ts';

/** A list that grows by doubling, so that a count in the file never decides how much is allocated. */
interface Growing<T> {
  push(value: number): void;
  append(more: T): void;
  done(): T;
}

type NumberArray = Int32Array | Float32Array | Uint8Array;

function growing<T extends NumberArray>(allocate: (length: number) => T): Growing<T> {
  let values = allocate(64);
  let length = 0;
  const grow = (least: number): void => {
    const larger = allocate(Math.max(2 * length, least));
    larger.set(values);
    values = larger;
  };
  return {
    push: (value) => {
      if (length === values.length) grow(length + 1);
      values[length++] = value;
    },
    append: (more) => {
      if (length + more.length > values.length) grow(length + more.length);
      values.set(more, length);
      length += more.length;
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

/**
 * Reads on from `pos` while each element is a tag and a varint of at most three bytes: that is nearly all of a tree
 * ensemble, and a start has to wait for it.
 *
 * @param values room for half as many elements as there are bytes
 * @returns how many there are, and where the first other byte is
 */
function readShortRun(
  bytes: Uint8Array,
  from: number,
  tag: number,
  values: Int32Array,
): { count: number; pos: number } {
  let count = 0;
  let pos = from;
  // An element that the end cuts off is left to the reader, which says so.
  const last = bytes.length - 4;
  while (pos <= last && bytes[pos] === tag) {
    let byte = bytes[pos + 1] as number;
    let value = byte & 0x7f;
    let next = pos + 2;
    if (byte >= 0x80) {
      byte = bytes[next++] as number;
      value |= (byte & 0x7f) << 7;
      if (byte >= 0x80) {
        byte = bytes[next++] as number;
        value |= byte << 14;
        if (byte >= 0x80) break;
      }
    }
    values[count++] = value;
    pos = next;
  }
  return { count, pos };
}

/** All elements of a repeated int64 field, each of which must fit into an int32. */
export function readInt32s(bytes: Uint8Array, number: number): Int32Array {
  const list = growing((length) => new Int32Array(length));
  const tag = (number << 3) | WireType.Varint;
  let run: Int32Array<ArrayBuffer> | undefined;
  visit(bytes, number, WireType.Varint, (reader, source) => {
    list.push(readInt32(reader));
    // The elements of a packed field have no tags.
    if (source !== bytes || bytes[reader.pos] !== tag) return;
    run ??= new Int32Array((bytes.length - reader.pos) >> 1);
    const { count, pos } = readShortRun(bytes, reader.pos, tag, run);
    list.append(run.subarray(0, count));
    reader.pos = pos;
  });
  return list.done();
}

/** All elements of a repeated float field. */
export function readFloats(bytes: Uint8Array, number: number): Float32Array {
  const list = growing((length) => new Float32Array(length));
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const tag = (number << 3) | WireType.Bit32;
  visit(bytes, number, WireType.Bit32, (reader, source) => {
    list.push(reader.float());
    if (source !== bytes) return;
    let { pos } = reader;
    for (; pos + 5 <= bytes.length && bytes[pos] === tag; pos += 5) list.push(view.getFloat32(pos + 1, true));
    reader.pos = pos;
  });
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
  const find = (source: Uint8Array, at: number, length: number): number => {
    for (let index = 0; index < known.length; index++) {
      const name = known[index] as Uint8Array;
      if (name.length === length && matches(source, at, name)) return index;
    }
    throw new OnnxRefused('an attribute holds a name that is not known');
  };
  visit(bytes, number, WireType.LengthDelimited, (reader, source) => {
    const length = reader.uint32();
    list.push(find(source, reader.pos, length));
    reader.pos += length;
  });
  return list.done();
}
