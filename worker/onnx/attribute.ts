import { BinaryReader, WireType } from '@bufbuild/protobuf/wire';
import * as field from './wireFields.ts';
import { exactNumber, guard, readMessage } from './wireFields.ts';
import type { ListCursor } from './packedLists.ts';
import { enumCursor, floatCursor, int32Cursor, readEnums, readFloats, readInt32s } from './packedLists.ts';
import { OnnxRefused } from './onnxRefused.ts';
import type { Constant } from './tensor.ts';
import { decodeTensor, readTensor } from './tensor.ts';

/** Strings and integers of one attribute that are decoded into JavaScript arrays; trees are read into typed arrays. */
const MAX_LISTED = 1_000_000;

/** Field numbers of AttributeProto. https://github.com/onnx/onnx/blob/main/onnx/onnx.proto */
const NAME = 1;
const F = 2;
const I = 3;
const S = 4;
const T = 5;
const G = 6;
const FLOATS = 7;
const INTS = 8;
const STRINGS = 9;
const GRAPHS = 11;

/** An attribute of a node, decoded at each use. Each method throws OnnxRefused for damaged bytes. */
export interface Attribute {
  readonly name: string;
  /** undefined when the attribute holds something else. */
  float(): number | undefined;
  int(): number | undefined;
  string(): string | undefined;
  tensor(): Constant | undefined;
  floats(): Float32Array;
  ints(): number[];
  strings(): string[];
  int32s(): Int32Array;
  /** Indexes into the names. */
  enums(names: readonly string[]): Uint8Array;
  /** The same lists, piece by piece. */
  readonly cursors: {
    floats(): ListCursor<Float32Array>;
    int32s(): ListCursor<Int32Array>;
    enums(names: readonly string[]): ListCursor<Uint8Array>;
  };
  holdsGraph(): boolean;
}

/** onnx.proto declares strings of attributes as bytes; models have UTF-8 in them. */
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

function decodeText(bytes: Uint8Array): string {
  try {
    return utf8.decode(bytes);
  } catch {
    throw new OnnxRefused('a string is not UTF-8');
  }
}

/** The values of one field of the attribute. */
function collect<T>(bytes: Uint8Array, number: number, as: (take: (value: T) => void) => field.Field): T[] {
  const values: T[] = [];
  const take = (value: T): void => {
    if (values.push(value) > MAX_LISTED) throw new OnnxRefused('an attribute has too many elements');
  };
  readMessage(bytes, 'an attribute', { [number]: as(take) });
  return values;
}

/** The name. Writers put it first: what follows, maybe megabytes, isn't read. */
function readName(bytes: Uint8Array): string {
  const reader = new BinaryReader(bytes);
  return guard('an attribute', () => {
    while (reader.pos < reader.len) {
      const [number, wire] = reader.tag();
      if (number === NAME && wire === WireType.LengthDelimited) return reader.string(true);
      reader.skip(wire, number, 0);
    }
    throw new OnnxRefused('an attribute has no name');
  });
}

/** Reads the name, and leaves the rest for later. */
export function readAttribute(bytes: Uint8Array): Attribute {
  const one = <T>(number: number, as: (take: (value: T) => void) => field.Field): T | undefined =>
    collect(bytes, number, as).at(-1);
  const has = (number: number): boolean => collect(bytes, number, field.bytes).length > 0;
  return {
    name: readName(bytes),
    float: () => one(F, field.float),
    int: () => {
      const value = one(I, field.int64);
      return value === undefined ? undefined : exactNumber(value);
    },
    string: () => {
      const value = one(S, field.bytes);
      return value === undefined ? undefined : decodeText(value);
    },
    tensor: () => {
      const value = one(T, field.bytes);
      return value === undefined ? undefined : decodeTensor(readTensor(value));
    },
    floats: () => readFloats(bytes, FLOATS),
    ints: () => collect(bytes, INTS, field.int64).map(exactNumber),
    strings: () => collect(bytes, STRINGS, field.bytes).map(decodeText),
    int32s: () => readInt32s(bytes, INTS),
    enums: (names) => readEnums(bytes, STRINGS, names),
    cursors: {
      floats: () => floatCursor(bytes, FLOATS),
      int32s: () => int32Cursor(bytes, INTS),
      enums: (names) => enumCursor(bytes, STRINGS, names),
    },
    holdsGraph: () => has(G) || has(GRAPHS),
  };
}
