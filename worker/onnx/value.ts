import * as field from './wireFields.ts';
import { readMessage } from './wireFields.ts';

/** The declaration of a graph's input or output. */
export interface OnnxValue {
  readonly name: string;
  /** Number in TensorProto.DataType; 0 when it is no tensor. */
  readonly elementType: number;
  /** undefined: the shape isn't declared. A dimension that isn't fixed is undefined too. */
  readonly dims: readonly (number | undefined)[] | undefined;
  /** The ValueInfoProto, undecoded. */
  readonly raw: Uint8Array;
}

function readDimension(raw: Uint8Array): number | undefined {
  let size: number | undefined;
  readMessage(raw, 'a dimension', { 1: field.int64((value) => (size = Number(value))) });
  return size;
}

function readShape(raw: Uint8Array): (number | undefined)[] {
  const dims: (number | undefined)[] = [];
  readMessage(raw, 'a shape', { 1: field.bytes((dim) => dims.push(readDimension(dim))) });
  return dims;
}

/** @throws {OnnxRefused} when it is damaged */
export function readValue(raw: Uint8Array): OnnxValue {
  let name = '';
  let elementType = 0;
  let dims: (number | undefined)[] | undefined;
  const tensor = {
    1: field.int32((value) => (elementType = value)),
    2: field.bytes((shape) => (dims = readShape(shape))),
  };
  const type = { 1: field.bytes((value) => readMessage(value, 'a tensor type', tensor)) };
  readMessage(raw, 'an input or output', {
    1: field.text((value) => (name = value)),
    2: field.bytes((value) => readMessage(value, 'a type', type)),
  });
  return { name, elementType, dims, raw };
}
