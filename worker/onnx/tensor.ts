import type { ElementType } from './elementTypes.ts';
import { elementTypeOf } from './elementTypes.ts';
import * as field from './wireFields.ts';
import { exactNumber, readMessage, smallCount } from './wireFields.ts';
import { LIES_ELSEWHERE, OnnxRefused } from './onnxRefused.ts';

/** Elements of a constant that are decoded at most: shapes, indices, categories, scales. */
const MAX_ELEMENTS = 1_000_000;

/** A constant: an initializer, or an attribute that holds a tensor. */
export interface OnnxTensor {
  readonly name: string;
  /** The TensorProto, undecoded. */
  readonly raw: Uint8Array;
}

/** A decoded constant, row by row. Integers are exact; a bool is 0 or 1. */
export interface Constant {
  readonly element: ElementType;
  readonly dims: readonly number[];
  readonly values: readonly (number | string)[];
}

/** @throws {OnnxRefused} when it is damaged, or its elements lie in another file */
export function readTensor(raw: Uint8Array): OnnxTensor {
  let name = '';
  let external = false;
  readMessage(raw, 'a tensor', {
    8: field.text((value) => (name = value)),
    13: field.bytes(() => (external = true)),
    14: field.int32((location) => (external ||= location !== 0)),
  });
  if (external) throw new OnnxRefused(`a tensor ${LIES_ELSEWHERE}`);
  return { name, raw };
}

/** How each element type is read from `raw_data`, which is little-endian. */
const RAW: Readonly<
  Record<Exclude<ElementType, 'string'>, { size: number; read: (view: DataView, at: number) => number }>
> = {
  float: { size: 4, read: (view, at) => view.getFloat32(at, true) },
  double: { size: 8, read: (view, at) => view.getFloat64(at, true) },
  int32: { size: 4, read: (view, at) => view.getInt32(at, true) },
  int64: { size: 8, read: (view, at) => exactNumber(view.getBigInt64(at, true)) },
  uint8: { size: 1, read: (view, at) => view.getUint8(at) },
  bool: { size: 1, read: (view, at) => (view.getUint8(at) === 0 ? 0 : 1) },
};

function readRaw(raw: Uint8Array, element: ElementType, count: number): number[] {
  if (element === 'string') throw new OnnxRefused('a tensor holds strings as raw data');
  const { size, read } = RAW[element];
  if (raw.byteLength !== size * count) throw new OnnxRefused('a constant does not hold what its shape says');
  const view = new DataView(raw.buffer, raw.byteOffset, raw.byteLength);
  return Array.from({ length: count }, (_, index) => read(view, index * size));
}

/**
 * Decodes a constant.
 *
 * @throws {OnnxRefused} when it is damaged, too large, or of an element type that isn't supported
 */
export function decodeTensor({ raw }: Pick<OnnxTensor, 'raw'>): Constant {
  const dims: number[] = [];
  const values: (number | string)[] = [];
  let type = 0;
  let packed = undefined as Uint8Array | undefined;
  const take = (value: number | string): void => {
    if (values.push(value) > MAX_ELEMENTS) throw new OnnxRefused('a constant has too many elements');
  };
  const texts = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  readMessage(raw, 'a tensor', {
    1: field.int64((value) => dims.push(smallCount(value, MAX_ELEMENTS, 'a dimension'))),
    2: field.int32((value) => (type = value)),
    4: field.float(take),
    5: field.int32(take),
    6: field.bytes((value) => take(texts.decode(value))),
    7: field.int64((value) => take(exactNumber(value))),
    9: field.bytes((value) => (packed = value)),
    10: field.double(take),
  });
  const element = elementTypeOf(type);
  if (element === undefined) throw new OnnxRefused('a constant has an element type that is not supported');
  const size = dims.reduce((product, dim) => product * dim, 1);
  if (size > MAX_ELEMENTS) throw new OnnxRefused('a constant has too many elements');
  const found = packed === undefined ? values : readRaw(packed, element, size);
  const fits = found.every((value) => (typeof value === 'string') === (element === 'string'));
  if (found.length !== size || !fits) throw new OnnxRefused('a constant does not hold what its shape says');
  return { element, dims, values: found };
}
