import type { BinaryReader } from '@bufbuild/protobuf/wire';
import { WireType } from '@bufbuild/protobuf/wire';
import { OnnxRefused } from './onnxRefused.ts';
import { readMessage, repeated } from './wireFields.ts';

/** A list that grows by doubling: a count in the file must not decide how much is allocated. */
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

/** A varint as an int32. */
function readInt32(reader: BinaryReader): number {
  const start = reader.pos;
  const value = reader.uint32();
  // The common case: up to four bytes hold 28 bits. uint32() drops what is beyond 32 bits.
  if (reader.pos - start < 5) return value;
  reader.pos = start;
  const whole = BigInt(reader.int64());
  if (BigInt.asIntN(32, whole) !== whole) throw new OnnxRefused('an index is out of range');
  return Number(whole);
}

/**
 * Reads on from `from` while each element is a tag of one byte and a varint of at most three: a tree ensemble has
 * millions of them, nearly all so short, and a start waits for them.
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
  // The reader, which checks bounds, takes the last elements.
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

/**
 * All elements of a repeated int64 field, each of which must fit into an int32.
 *
 * @param number of the field, at most 15, as in all of these
 */
export function readInt32s(bytes: Uint8Array, number: number): Int32Array {
  const list = growing((length) => new Int32Array(length));
  const tag = (number << 3) | WireType.Varint;
  let run: Int32Array<ArrayBuffer> | undefined;
  const takeRun = (reader: BinaryReader): void => {
    if (bytes[reader.pos] !== tag) return;
    run ??= new Int32Array((bytes.length - reader.pos) >> 1);
    const { count, pos } = readShortRun(bytes, reader.pos, tag, run);
    list.append(run.subarray(0, count));
    reader.pos = pos;
  };
  readMessage(bytes, 'an attribute', {
    [number]: repeated(WireType.Varint, (reader) => list.push(readInt32(reader)), takeRun),
  });
  return list.done();
}

/** All elements of a repeated float field. */
export function readFloats(bytes: Uint8Array, number: number): Float32Array {
  const list = growing((length) => new Float32Array(length));
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const tag = (number << 3) | WireType.Bit32;
  const takeRun = (reader: BinaryReader): void => {
    let { pos } = reader;
    for (; pos + 5 <= bytes.length && bytes[pos] === tag; pos += 5) list.push(view.getFloat32(pos + 1, true));
    reader.pos = pos;
  };
  readMessage(bytes, 'an attribute', {
    [number]: repeated(WireType.Bit32, (reader) => list.push(reader.float()), takeRun),
  });
  return list.done();
}

/** Whether the bytes from `at` on are these; compared from the end, where the names of an enum differ. */
function matches(bytes: Uint8Array, at: number, name: Uint8Array): boolean {
  for (let i = name.length - 1; i >= 0; i--) if (bytes[at + i] !== name[i]) return false;
  return true;
}

/**
 * All elements of a repeated string field with a few known values, as indexes into these.
 *
 * @throws {OnnxRefused} for an unknown value
 */
export function readEnums(bytes: Uint8Array, number: number, names: readonly string[]): Uint8Array {
  const known = names.map((name) => Buffer.from(name));
  const list = growing((length) => new Uint8Array(length));
  const tag = (number << 3) | WireType.LengthDelimited;
  const find = (at: number, length: number): number => {
    for (let index = 0; index < known.length; index++) {
      const name = known[index] as Uint8Array;
      if (name.length === length && matches(bytes, at, name)) return index;
    }
    throw new OnnxRefused('an attribute holds a name that is not known');
  };
  const read = (reader: BinaryReader): void => {
    for (;;) {
      const length = reader.uint32();
      list.push(find(reader.pos, length));
      reader.pos += length;
      if (bytes[reader.pos] !== tag) return;
      reader.pos++;
    }
  };
  readMessage(bytes, 'an attribute', { [number]: { wires: [WireType.LengthDelimited], read } });
  return list.done();
}
