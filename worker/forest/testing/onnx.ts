import type { Field } from './protobuf.ts';
import { bytes, floatBytes, integer, integers } from './protobuf.ts';

/** The value of an attribute, by its kind. */
export type Attribute =
  | { readonly i: number }
  | { readonly s: string }
  | { readonly floats: Iterable<number> }
  | { readonly ints: Iterable<number> }
  | { readonly strings: readonly string[] }
  | { readonly floatTensor: readonly number[] }
  | { readonly byteTensor: readonly number[] };

/** Element types of tensors. */
const FLOAT = 1;
const UINT8 = 2;
const INT64 = 7;

/** An AttributeProto. Numbers of fields and types are those of onnx.proto. */
function attribute(name: string, value: Attribute): Field {
  const tensor = (type: number, length: number, raw: Uint8Array): Field[] => [
    bytes(5, [integer(1, length), integer(2, type), bytes(9, raw)]),
    integer(20, 4),
  ];
  let fields: Field[];
  if ('i' in value) fields = [integer(3, value.i), integer(20, 2)];
  else if ('s' in value) fields = [bytes(4, value.s), integer(20, 3)];
  else if ('floats' in value) fields = [bytes(7, floatBytes(value.floats)), integer(20, 6)];
  else if ('ints' in value) fields = [integers(8, value.ints), integer(20, 7)];
  else if ('strings' in value) fields = [...value.strings.map((text) => bytes(9, text)), integer(20, 8)];
  else if ('floatTensor' in value)
    fields = tensor(FLOAT, value.floatTensor.length, floatBytes(value.floatTensor));
  else fields = tensor(UINT8, value.byteTensor.length, Uint8Array.from(value.byteTensor));
  return bytes(5, [bytes(1, name), ...fields]);
}

function value(field: number, name: string, type: number, dims: readonly (number | undefined)[]): Field {
  const shape = dims.map((dim) => bytes(1, dim === undefined ? [bytes(2, 'N')] : [integer(1, dim)]));
  return bytes(field, [bytes(1, name), bytes(2, [bytes(1, [integer(1, type), bytes(2, shape)])])]);
}

/** An operator of ai.onnx.ml with one input [N, features], as a whole model. */
export interface Operator {
  readonly type: string;
  readonly opset: number;
  readonly features: number;
  readonly attributes: Readonly<Record<string, Attribute>>;
  /** Names and widths; no width for the label, an int64 a row. */
  readonly outputs: Readonly<Record<string, number | undefined>>;
}

/** The bytes of an ONNX file with nothing but this operator. */
export function onnxFile({ type, opset, features, attributes, outputs }: Operator): Uint8Array {
  const node = [
    bytes(1, 'X'),
    ...Object.keys(outputs).map((name) => bytes(2, name)),
    bytes(4, type),
    ...Object.entries(attributes).map(([name, attributeValue]) => attribute(name, attributeValue)),
    bytes(7, 'ai.onnx.ml'),
  ];
  const graph = [
    bytes(1, node),
    bytes(2, 'trees'),
    value(11, 'X', FLOAT, [undefined, features]),
    ...Object.entries(outputs).map(([name, width]) =>
      width === undefined ? value(12, name, INT64, [undefined]) : value(12, name, FLOAT, [undefined, width]),
    ),
  ];
  const opsets = [
    ['', 18],
    ['ai.onnx.ml', opset],
  ] as const;
  return Buffer.concat([
    integer(1, 8),
    bytes(7, graph),
    ...opsets.map(([domain, version]) => bytes(8, [bytes(1, domain), integer(2, version)])),
  ]);
}
