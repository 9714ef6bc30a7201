import { BinaryReader, WireType } from '@bufbuild/protobuf/wire';
import { OnnxRefused } from './onnxRefused.ts';
import { guard, skipField } from './wireFields.ts';

type NumberArray = Int32Array | Float32Array | Uint8Array;

/** The elements of a repeated field, from the first one on: a large list need not be in memory as a whole. */
export interface ListCursor<T extends NumberArray> {
  /** The next elements: fewer than `most` only at the end. @throws {OnnxRefused} for damaged bytes */
  take(most: number): T;
}

/** How elements of one wire type are read. */
interface ElementReader {
  readonly wire: WireType;
  readonly read: (reader: BinaryReader) => number;
  /**
   * Reads unpacked elements in one loop while nothing is unusual: a tree ensemble has millions of them.
   *
   * @param values filled from `count` on
   * @returns how many there are then, and the position behind them
   */
  readonly readRun: (bytes: Uint8Array, from: number, values: NumberArray, count: number) => Run;
}

interface Run {
  readonly count: number;
  readonly pos: number;
}

function createCursor<T extends NumberArray>(
  bytes: Uint8Array,
  number: number,
  allocate: (length: number) => T,
  { wire, read, readRun }: ElementReader,
): ListCursor<T> {
  const reader = new BinaryReader(bytes);
  const damaged = (): never => {
    throw new OnnxRefused('an attribute is damaged');
  };
  /** End of the packed elements that are being read; 0 outside of them. */
  let packedEnd = 0;
  /** Moves to the next element. @returns false at the end */
  const find = (): boolean => {
    if (reader.pos < packedEnd) return true;
    if (packedEnd > 0 && reader.pos > packedEnd) damaged();
    packedEnd = 0;
    while (reader.pos < reader.len) {
      const [found, foundWire] = reader.tag();
      if (found !== number) skipField(reader, found, foundWire, bytes);
      else if (foundWire === wire) return true;
      else if (foundWire !== WireType.LengthDelimited)
        throw new OnnxRefused('an attribute has a field of the wrong wire type');
      else {
        const end = reader.uint32() + reader.pos;
        if (end > reader.len) damaged();
        if (end > reader.pos) {
          packedEnd = end;
          return true;
        }
      }
    }
    if (reader.pos > reader.len) damaged();
    return false;
  };
  const fill = (values: T): number => {
    let count = 0;
    while (count < values.length && find()) {
      values[count++] = read(reader);
      if (packedEnd > 0) continue;
      const run = readRun(bytes, reader.pos, values, count);
      count = run.count;
      reader.pos = run.pos;
    }
    return count;
  };
  return {
    take: (most) => {
      // A count in the file must not decide how much is allocated: an element takes at least one byte.
      const values = allocate(Math.min(most, bytes.length - Math.min(reader.pos, bytes.length)));
      const count = guard('an attribute', () => fill(values));
      return count === values.length ? values : (values.slice(0, count) as T);
    },
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

/** Each element is a tag of one byte and a varint of at most three; the reader, which checks bounds, takes the last ones. */
const readShortVarints =
  (tag: number): ElementReader['readRun'] =>
  (bytes, from, values, first) => {
    let count = first;
    let pos = from;
    const last = bytes.length - 4;
    while (count < values.length && pos <= last && bytes[pos] === tag) {
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
  };

/** The elements of a repeated int64 field with a number of at most 15, each of which must fit into an int32. */
export const int32Cursor = (bytes: Uint8Array, number: number): ListCursor<Int32Array> =>
  createCursor(bytes, number, (length) => new Int32Array(length), {
    wire: WireType.Varint,
    read: readInt32,
    readRun: readShortVarints((number << 3) | WireType.Varint),
  });

/** The elements of a repeated float field with a number of at most 15. */
export function floatCursor(bytes: Uint8Array, number: number): ListCursor<Float32Array> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const tag = (number << 3) | WireType.Bit32;
  return createCursor(bytes, number, (length) => new Float32Array(length), {
    wire: WireType.Bit32,
    read: (reader) => reader.float(),
    readRun: (_, from, values, first) => {
      let count = first;
      let pos = from;
      for (; count < values.length && pos + 5 <= bytes.length && bytes[pos] === tag; pos += 5)
        values[count++] = view.getFloat32(pos + 1, true);
      return { count, pos };
    },
  });
}

/** Whether the bytes from `at` on are these; compared from the end, where the names of an enum differ. */
function matches(bytes: Uint8Array, at: number, name: Uint8Array): boolean {
  for (let i = name.length - 1; i >= 0; i--) if (bytes[at + i] !== name[i]) return false;
  return true;
}

/**
 * The elements of a repeated string field (with a number of at most 15) with a few known values, as indexes into these.
 * Its `take` throws OnnxRefused for an unknown value, too.
 */
export function enumCursor(
  bytes: Uint8Array,
  number: number,
  names: readonly string[],
): ListCursor<Uint8Array> {
  const known = names.map((name) => Buffer.from(name));
  const tag = (number << 3) | WireType.LengthDelimited;
  const find = (at: number, length: number): number => {
    for (let index = 0; index < known.length; index++) {
      const name = known[index] as Uint8Array;
      if (name.length === length && matches(bytes, at, name)) return index;
    }
    throw new OnnxRefused('an attribute holds a name that is not known');
  };
  return createCursor(bytes, number, (length) => new Uint8Array(length), {
    wire: WireType.LengthDelimited,
    read: (reader) => {
      const length = reader.uint32();
      const index = find(reader.pos, length);
      reader.pos += length;
      return index;
    },
    readRun: (_, from, values, first) => {
      let count = first;
      let pos = from;
      // A longer name than any known one has its length in more bytes.
      while (count < values.length && bytes[pos] === tag && (bytes[pos + 1] as number) < 0x80) {
        const length = bytes[pos + 1] as number;
        values[count++] = find(pos + 2, length);
        pos += 2 + length;
      }
      return { count, pos };
    },
  });
}

const BLOCK = 2 ** 16;

/** All elements of a list, which grows by blocks: its length isn't known before. */
function takeAll<T extends NumberArray>(cursor: ListCursor<T>, allocate: (length: number) => T): T {
  const blocks = [cursor.take(BLOCK)];
  while (blocks.at(-1)?.length === BLOCK) blocks.push(cursor.take(BLOCK));
  if (blocks.length === 1) return blocks[0] as T;
  const all = allocate(blocks.reduce((sum, { length }) => sum + length, 0));
  let end = 0;
  for (const block of blocks) {
    all.set(block, end);
    end += block.length;
  }
  return all;
}

export const readInt32s = (bytes: Uint8Array, number: number): Int32Array =>
  takeAll(int32Cursor(bytes, number), (length) => new Int32Array(length));

export const readFloats = (bytes: Uint8Array, number: number): Float32Array =>
  takeAll(floatCursor(bytes, number), (length) => new Float32Array(length));

export const readEnums = (bytes: Uint8Array, number: number, names: readonly string[]): Uint8Array =>
  takeAll(enumCursor(bytes, number, names), (length) => new Uint8Array(length));
