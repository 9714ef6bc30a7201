import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire';

// Parts of an ONNX file, as protobuf. Field numbers: https://github.com/onnx/onnx/blob/main/onnx/onnx.proto

/** Writes one field that holds a message. */
export function message(writer: BinaryWriter, number: number, write: () => void): BinaryWriter {
  writer.tag(number, WireType.LengthDelimited).fork();
  write();
  return writer.join();
}

/** Copies a field that holds a message. */
export const copy = (writer: BinaryWriter, number: number, raw: Uint8Array): BinaryWriter =>
  writer.tag(number, WireType.LengthDelimited).bytes(raw);

const text = (writer: BinaryWriter, number: number, value: string): BinaryWriter =>
  writer.tag(number, WireType.LengthDelimited).string(value);

/** A ValueInfoProto of a tensor; a text is a dimension of any size. */
export function writeValue(
  name: string,
  elementType: number,
  dims: readonly (number | string)[],
): Uint8Array {
  const writer = text(new BinaryWriter(), 1, name);
  const dimension = (size: number | string): void => {
    if (typeof size === 'string') text(writer, 2, size);
    else writer.tag(1, WireType.Varint).int64(size);
  };
  message(writer, 2, () =>
    message(writer, 1, () => {
      writer.tag(1, WireType.Varint).int32(elementType);
      message(writer, 2, () => {
        for (const size of dims) message(writer, 1, () => dimension(size));
      });
    }),
  );
  return writer.finish();
}

/** A list of floats, integers or texts, or one float, as a constant. */
export interface ConstantValue {
  readonly element: 'float' | 'int64' | 'string';
  /** No dimension: a scalar. */
  readonly dims: readonly number[];
  readonly values: readonly (number | string)[];
}

const ELEMENTS = { float: 1, int64: 7, string: 8 } as const;

function writeTensor(writer: BinaryWriter, { element, dims, values }: ConstantValue): void {
  for (const size of dims) writer.tag(1, WireType.Varint).int64(size);
  writer.tag(2, WireType.Varint).int32(ELEMENTS[element]);
  for (const value of values) {
    if (element === 'float') writer.tag(4, WireType.Bit32).float(value as number);
    else if (element === 'int64') writer.tag(7, WireType.Varint).int64(value);
    else text(writer, 6, value as string);
  }
}

/** AttributeProto.type of what an attribute may hold here. */
const ATTRIBUTE = { int: 2, tensor: 4, ints: 7, strings: 8 } as const;

/** An attribute of a node. */
export type AttributeValue =
  number | ConstantValue | { readonly ints: readonly number[] } | { readonly strings: readonly string[] };

function writeAttribute(writer: BinaryWriter, name: string, value: AttributeValue): void {
  text(writer, 1, name);
  const type = (number: number): BinaryWriter => writer.tag(20, WireType.Varint).int32(number);
  if (typeof value === 'number') {
    writer.tag(3, WireType.Varint).int64(value);
    type(ATTRIBUTE.int);
  } else if ('ints' in value) {
    for (const item of value.ints) writer.tag(8, WireType.Varint).int64(item);
    type(ATTRIBUTE.ints);
  } else if ('strings' in value) {
    for (const item of value.strings) text(writer, 9, item);
    type(ATTRIBUTE.strings);
  } else {
    message(writer, 5, () => writeTensor(writer, value));
    type(ATTRIBUTE.tensor);
  }
}

export interface NewNode {
  readonly op: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes?: Readonly<Record<string, AttributeValue>>;
  /** The standard operators' unless given. */
  readonly domain?: string;
}

/** A NodeProto. */
export function writeNode({ op, inputs, outputs, attributes = {}, domain = '' }: NewNode): Uint8Array {
  const writer = new BinaryWriter();
  for (const name of inputs) text(writer, 1, name);
  for (const name of outputs) text(writer, 2, name);
  text(writer, 4, op);
  for (const [name, value] of Object.entries(attributes))
    message(writer, 5, () => writeAttribute(writer, name, value));
  if (domain !== '') text(writer, 7, domain);
  return writer.finish();
}

/** An OperatorSetIdProto. */
export const writeOpset = (domain: string, version: number): Uint8Array =>
  text(new BinaryWriter(), 1, domain).tag(2, WireType.Varint).int64(version).finish();
