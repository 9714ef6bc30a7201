import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire';
import type { ElementType } from '../../worker/onnx/elementTypes.ts';

/** Builds small ONNX files for tests. Field numbers: https://github.com/onnx/onnx/blob/main/onnx/onnx.proto */

type Write = (writer: BinaryWriter) => void;

const NUMBERS: Readonly<Record<ElementType, number>> = {
  float: 1,
  uint8: 2,
  int32: 6,
  int64: 7,
  string: 8,
  bool: 9,
  double: 11,
};

const message =
  (field: number, write: Write): Write =>
  (writer) => {
    writer.tag(field, WireType.LengthDelimited).fork();
    write(writer);
    writer.join();
  };
const text =
  (field: number, value: string): Write =>
  (writer) =>
    void writer.tag(field, WireType.LengthDelimited).string(value);
const integer =
  (field: number, value: number | bigint): Write =>
  (writer) =>
    void writer.tag(field, WireType.Varint).int64(value);
const all =
  (...writes: readonly Write[]): Write =>
  (writer) => {
    for (const write of writes) write(writer);
  };

/** A repeated number, packed or one by one: readers must accept both. */
const numbers =
  (
    field: number,
    wire: WireType,
    values: readonly number[],
    packed: boolean,
    write: (writer: BinaryWriter, value: number) => void,
  ): Write =>
  (writer) => {
    if (packed) return message(field, (inner) => values.forEach((value) => write(inner, value)))(writer);
    for (const value of values) write(writer.tag(field, wire), value);
  };

const writeFloat = (writer: BinaryWriter, value: number): void => void writer.float(value);
const writeInt64 = (writer: BinaryWriter, value: number): void => void writer.int64(BigInt(value));

/** A TensorProto's content. */
export interface TensorSpec {
  readonly element: ElementType;
  readonly dims: readonly number[];
  readonly values: readonly (number | string)[];
}

export type AttributeSpec =
  | { readonly int: number }
  | { readonly float: number }
  | { readonly string: string }
  | { readonly tensor: TensorSpec }
  | { readonly ints: readonly number[]; readonly packed?: boolean }
  | { readonly floats: readonly number[]; readonly packed?: boolean }
  | { readonly strings: readonly string[] }
  | { readonly graph: GraphSpec };

export interface NodeSpec {
  readonly op: string;
  /** By default that of the ML operators. */
  readonly domain?: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes?: Readonly<Record<string, AttributeSpec>>;
}

export interface ValueSpec {
  readonly name: string;
  readonly element: ElementType;
  /** A string is a free dimension. */
  readonly dims: readonly (number | string)[];
}

export interface GraphSpec {
  readonly inputs: readonly ValueSpec[];
  readonly nodes: readonly NodeSpec[];
  readonly constants?: Readonly<Record<string, TensorSpec>>;
  readonly outputs: readonly ValueSpec[];
}

export interface ModelSpec extends GraphSpec {
  readonly irVersion?: number;
  readonly opsets?: Readonly<Record<string, number>>;
  /** Written behind everything else. */
  readonly extra?: Write;
}

export const ML = 'ai.onnx.ml';

function tensor(name: string, { element, dims, values }: TensorSpec): Write {
  const list = values as readonly number[];
  const data: Readonly<Record<ElementType, Write>> = {
    float: numbers(4, WireType.Bit32, list, true, writeFloat),
    int32: numbers(5, WireType.Varint, list, true, (writer, value) => writer.int32(value)),
    uint8: numbers(5, WireType.Varint, list, true, (writer, value) => writer.int32(value)),
    bool: numbers(5, WireType.Varint, list, true, (writer, value) => writer.int32(value)),
    int64: numbers(7, WireType.Varint, list, true, writeInt64),
    double: numbers(10, WireType.Bit64, list, true, (writer, value) => writer.double(value)),
    string: all(...(values as readonly string[]).map((value) => text(6, value))),
  };
  return all(
    ...dims.map((dim) => integer(1, dim)),
    integer(2, NUMBERS[element]),
    data[element],
    text(8, name),
  );
}

function attribute(name: string, spec: AttributeSpec): Write {
  const [content, type] = ((): [Write, number] => {
    if ('int' in spec) return [integer(3, BigInt(spec.int)), 2];
    if ('float' in spec) return [(writer) => void writer.tag(2, WireType.Bit32).float(spec.float), 1];
    if ('string' in spec) return [text(4, spec.string), 3];
    if ('tensor' in spec) return [message(5, tensor('', spec.tensor)), 4];
    if ('graph' in spec) return [message(6, graph(spec.graph)), 5];
    if ('ints' in spec) return [numbers(8, WireType.Varint, spec.ints, spec.packed ?? false, writeInt64), 7];
    if ('floats' in spec)
      return [numbers(7, WireType.Bit32, spec.floats, spec.packed ?? false, writeFloat), 6];
    return [all(...spec.strings.map((value) => text(9, value))), 8];
  })();
  return all(text(1, name), content, integer(20, type));
}

const node = ({ op, domain = ML, inputs, outputs, attributes = {} }: NodeSpec): Write =>
  all(
    ...inputs.map((name) => text(1, name)),
    ...outputs.map((name) => text(2, name)),
    text(4, op),
    ...Object.entries(attributes).map(([name, spec]) => message(5, attribute(name, spec))),
    text(7, domain),
  );

const dimension = (dim: number | string): Write => (typeof dim === 'number' ? integer(1, dim) : text(2, dim));

const value = ({ name, element, dims }: ValueSpec): Write =>
  all(
    text(1, name),
    message(
      2,
      message(
        1,
        all(integer(1, NUMBERS[element]), message(2, all(...dims.map((dim) => message(1, dimension(dim)))))),
      ),
    ),
  );

const graph = ({ inputs, nodes, constants = {}, outputs }: GraphSpec): Write =>
  all(
    ...nodes.map((spec) => message(1, node(spec))),
    text(2, 'test'),
    ...Object.entries(constants).map(([name, spec]) => message(5, tensor(name, spec))),
    ...inputs.map((spec) => message(11, value(spec))),
    ...outputs.map((spec) => message(12, value(spec))),
  );

/** An ONNX file. */
export function buildModel({
  irVersion = 8,
  opsets = { '': 18, [ML]: 3 },
  extra = () => {},
  ...spec
}: ModelSpec): Uint8Array {
  const writer = new BinaryWriter();
  all(
    integer(1, irVersion),
    message(7, graph(spec)),
    ...Object.entries(opsets).map(([domain, version]) =>
      message(8, all(text(1, domain), integer(2, version))),
    ),
    extra,
  )(writer);
  return writer.finish();
}
