import { BinaryReader, WireType } from '@bufbuild/protobuf/wire';
import { Problem } from '../../errors/problem.ts';
import { invalidBody } from '../forms/json.ts';
import { notTheMessage } from './services.ts';

// By protobuf's wire reader: a generated message would copy the tensors, and hold each element as an object of its own.

export type Parameters = Record<string, boolean | number | string>;

/** An input whose elements are not read yet. */
export interface InferInput {
  name: string;
  datatype: string;
  readonly shape: number[];
  readonly parameters: Parameters;
  /** The bytes of its InferTensorContents: several if the field occurs more than once. */
  readonly contents: Buffer[];
}

interface InferOutput {
  name: string;
  readonly parameters: Parameters;
}

/** A ModelInferRequest whose tensors are views of the message. */
export interface InferMessage {
  modelName: string;
  modelVersion: string;
  id: string;
  readonly parameters: Parameters;
  readonly inputs: InferInput[];
  readonly outputs: InferOutput[];
  /** The raw elements of the inputs, in their order. */
  readonly raw: Buffer[];
}

/** A message of empty entries would take fifty times its size as objects. */
const MAX_ENTRIES = 65_536;
const MAX_DIMENSIONS = 8;
/** Of unknown fields. */
const MAX_GROUP_DEPTH = 8;

const decode = (bytes: Uint8Array): string => (bytes as Buffer).toString('utf8');

/** Counts the entries of one message. */
class Entries {
  #left = MAX_ENTRIES;

  add(): void {
    if (this.#left-- === 0)
      throw invalidBody(`The message has more than ${MAX_ENTRIES} inputs, outputs, tensors and parameters.`);
  }
}

/** Calls `read` with each field of a message that ends at `end`. */
export function readFields(
  reader: BinaryReader,
  end: number,
  read: (field: number, wire: WireType) => boolean,
): void {
  while (reader.pos < end) {
    const [field, wire] = reader.tag();
    if (!read(field, wire)) reader.skip(wire, field, MAX_GROUP_DEPTH);
  }
  if (reader.pos !== end) throw new RangeError('a field ends after its message');
}

export const createReader = (bytes: Uint8Array): BinaryReader => new BinaryReader(bytes, decode);

function requireLength(wire: WireType): void {
  if (wire !== WireType.LengthDelimited) throw new TypeError('a field has another type than it should have');
}

const readText = (reader: BinaryReader, wire: WireType): string => {
  requireLength(wire);
  return reader.string();
};

/** Reads a message within a message. */
function readNested(
  reader: BinaryReader,
  wire: WireType,
  read: (field: number, wire: WireType) => boolean,
): void {
  requireLength(wire);
  const end = reader.uint32() + reader.pos;
  if (end > reader.len) throw new RangeError('a message ends after the one that it is in');
  readFields(reader, end, read);
}

function readParameter(reader: BinaryReader, wire: WireType, into: Parameters, entries: Entries): void {
  entries.add();
  let key = '';
  let value: boolean | number | string | undefined;
  readNested(reader, wire, (field, wireOfEntry) => {
    if (field === 1) key = readText(reader, wireOfEntry);
    else if (field === 2)
      readNested(reader, wireOfEntry, (choice, wireOfValue) => {
        if (choice === 1) value = reader.bool();
        else if (choice === 2) value = Number(reader.int64());
        else if (choice === 3) value = readText(reader, wireOfValue);
        else if (choice === 4) value = reader.double();
        else if (choice === 5) value = Number(reader.uint64());
        else return false;
        return true;
      });
    else return false;
    return true;
  });
  if (value !== undefined) into[key] = value;
}

function readShape(reader: BinaryReader, wire: WireType, into: number[]): void {
  const end = wire === WireType.LengthDelimited ? reader.uint32() + reader.pos : reader.pos + 1;
  if (end > reader.len) throw new RangeError('a shape ends after its message');
  while (reader.pos < end) {
    if (into.length === MAX_DIMENSIONS) throw new RangeError('a shape has too many dimensions');
    into.push(Number(reader.int64()));
  }
}

function readInput(reader: BinaryReader, wire: WireType, entries: Entries): InferInput {
  entries.add();
  const input: InferInput = { name: '', datatype: '', shape: [], parameters: {}, contents: [] };
  readNested(reader, wire, (field, wireOfField) => {
    if (field === 1) input.name = readText(reader, wireOfField);
    else if (field === 2) input.datatype = readText(reader, wireOfField);
    else if (field === 3) readShape(reader, wireOfField, input.shape);
    else if (field === 4) readParameter(reader, wireOfField, input.parameters, entries);
    else if (field === 5) {
      requireLength(wireOfField);
      input.contents.push(reader.bytes() as Buffer);
    } else return false;
    return true;
  });
  return input;
}

function readOutput(reader: BinaryReader, wire: WireType, entries: Entries): InferOutput {
  entries.add();
  const output: InferOutput = { name: '', parameters: {} };
  readNested(reader, wire, (field, wireOfField) => {
    if (field === 1) output.name = readText(reader, wireOfField);
    else if (field === 2) readParameter(reader, wireOfField, output.parameters, entries);
    else return false;
    return true;
  });
  return output;
}

/** Reads a ModelInferRequest but for the elements of its tensors. @throws {Problem} invalid_body */
export function readInferMessage(bytes: Buffer): InferMessage {
  const message: InferMessage = {
    modelName: '',
    modelVersion: '',
    id: '',
    parameters: {},
    inputs: [],
    outputs: [],
    raw: [],
  };
  const { inputs, outputs, raw } = message;
  const reader = createReader(bytes);
  const entries = new Entries();
  try {
    readFields(reader, reader.len, (field, wire) => {
      if (field === 1) message.modelName = readText(reader, wire);
      else if (field === 2) message.modelVersion = readText(reader, wire);
      else if (field === 3) message.id = readText(reader, wire);
      else if (field === 4) readParameter(reader, wire, message.parameters, entries);
      else if (field === 5) inputs.push(readInput(reader, wire, entries));
      else if (field === 6) outputs.push(readOutput(reader, wire, entries));
      else if (field === 7) {
        entries.add();
        requireLength(wire);
        raw.push(reader.bytes() as Buffer);
      } else return false;
      return true;
    });
  } catch (error) {
    throw error instanceof Problem ? error : notTheMessage('ModelInferRequest', error);
  }
  return message;
}
