/**
 * The supported element types, by their number in TensorProto.DataType.
 * https://github.com/onnx/onnx/blob/main/onnx/onnx.proto
 */
const ELEMENTS = {
  1: 'float',
  2: 'uint8',
  6: 'int32',
  7: 'int64',
  8: 'string',
  9: 'bool',
  11: 'double',
} as const;

export type ElementType = (typeof ELEMENTS)[keyof typeof ELEMENTS];

/** FLOAT in TensorProto.DataType. */
export const FLOAT = 1;

/** The element type with this number; undefined for one that isn't supported. */
export const elementTypeOf = (number: number): ElementType | undefined =>
  (ELEMENTS as Readonly<Record<number, ElementType>>)[number];

/** More types of inputs and outputs: ONNX Runtime takes them, the compiler doesn't compute with them. */
const OTHERS = {
  3: 'int8',
  4: 'uint16',
  5: 'int16',
  10: 'float16',
  12: 'uint32',
  13: 'uint64',
} as const;

export type TensorType = ElementType | (typeof OTHERS)[keyof typeof OTHERS];

/** The element type of an input or an output with this number; undefined for one that can't be served. */
export const tensorTypeOf = (number: number): TensorType | undefined =>
  elementTypeOf(number) ?? (OTHERS as Readonly<Record<number, TensorType>>)[number];
