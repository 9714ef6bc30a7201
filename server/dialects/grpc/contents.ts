import { isUtf8 } from 'node:buffer';
import type { BinaryReader } from '@bufbuild/protobuf/wire';
import { WireType } from '@bufbuild/protobuf/wire';
import { Problem } from '../../errors/problem.ts';
import { invalidBody } from '../forms/json.ts';
import { memberOf } from '../v2/contents.ts';
import { NOT_TEXT, findDatatype } from '../v2/datatypes.ts';
import type { InferInput } from './inferMessage.ts';
import { createReader, readFields } from './inferMessage.ts';
import { notTheMessage } from './services.ts';

/** A list of InferTensorContents: its field, and how one element is read. */
interface Member {
  readonly field: number;
  readonly wire: WireType;
  readonly read: (reader: BinaryReader) => unknown;
}

const { Varint, Bit32, Bit64, LengthDelimited } = WireType;
/** As in raw tensors, NaN is a missing value. */
const missing = (value: number): number | null => (Number.isNaN(value) ? null : value);

const MEMBERS: Readonly<Record<string, Member>> = {
  bool_contents: { field: 1, wire: Varint, read: (reader) => reader.bool() },
  int_contents: { field: 2, wire: Varint, read: (reader) => reader.int32() },
  // Above 2^53 the number is rounded; the encoder refuses it for its size.
  int64_contents: { field: 3, wire: Varint, read: (reader) => Number(reader.int64()) },
  uint_contents: { field: 4, wire: Varint, read: (reader) => reader.uint32() },
  uint64_contents: { field: 5, wire: Varint, read: (reader) => Number(reader.uint64()) },
  fp32_contents: { field: 6, wire: Bit32, read: (reader) => missing(reader.float()) },
  fp64_contents: { field: 7, wire: Bit64, read: (reader) => missing(reader.double()) },
  bytes_contents: {
    field: 8,
    wire: LengthDelimited,
    read: (reader) => {
      const bytes = reader.bytes() as Buffer;
      return isUtf8(bytes) ? bytes.toString('utf8') : NOT_TEXT;
    },
  },
};

/**
 * Reads the typed elements of an input. More than one beyond its shape's count are not read.
 *
 * @throws {Problem} invalid_body
 */
export function readTypedElements(where: string, { contents, datatype, shape }: InferInput): unknown[] {
  // Without a datatype the check of the tensor names those that there are.
  const name = findDatatype(datatype)?.name;
  const member = name === undefined ? undefined : memberOf(where, name);
  if (member === undefined) return [];
  const { field: wanted, wire: wireOfOne, read } = MEMBERS[member] as Member;
  const enough = shape.reduce((product, length) => product * length, 1) + 1;
  const values: unknown[] = [];
  const readList = (reader: BinaryReader, field: number, wire: WireType): boolean => {
    if (field !== wanted)
      throw invalidBody(`${where} needs its elements in "${member}" alone of its "contents".`);
    if (wire === wireOfOne) {
      if (values.length < enough) values.push(read(reader));
      else reader.skip(wire, field);
      return true;
    }
    if (wire !== LengthDelimited) throw new TypeError('a list of another type');
    const end = reader.uint32() + reader.pos;
    if (end > reader.len) throw new RangeError('a list ends after its message');
    while (reader.pos < end && values.length < enough) values.push(read(reader));
    if (values.length >= enough) reader.pos = end;
    return true;
  };
  try {
    for (const bytes of contents) {
      const reader = createReader(bytes);
      readFields(reader, reader.len, (field, wire) => readList(reader, field, wire));
    }
  } catch (error) {
    throw error instanceof Problem ? error : notTheMessage('ModelInferRequest', error);
  }
  return values;
}
