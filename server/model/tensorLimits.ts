import { roundToHalf } from '../../worker/onnx/half.ts';

/** The values that each integer tensor holds. */
const INTEGERS = {
  int8: [-(2 ** 7), 2 ** 7 - 1],
  int16: [-(2 ** 15), 2 ** 15 - 1],
  int32: [-(2 ** 31), 2 ** 31 - 1],
  uint8: [0, 2 ** 8 - 1],
  uint16: [0, 2 ** 16 - 1],
  uint32: [0, 2 ** 32 - 1],
  uint64: [0, Number.MAX_SAFE_INTEGER],
} as const;

/** Element types of tensors that don't hold every cell of a column: as ONNX Runtime names them. */
export type NarrowTensor = 'float16' | 'float32' | keyof typeof INTEGERS;

/** The nearest value that a tensor holds; the value itself where the tensor holds every cell. */
export function nearestHeld(tensor: NarrowTensor | undefined, value: number): number {
  if (tensor === undefined) return value;
  if (tensor === 'float32') return Math.fround(value);
  if (tensor === 'float16') return roundToHalf(value);
  const [least, most] = INTEGERS[tensor];
  return Math.min(most, Math.max(least, Math.round(value)));
}

export const isHeld = (tensor: NarrowTensor | undefined, value: number): boolean =>
  nearestHeld(tensor, value) === value;

/** The tensor's type as V2 spells it. */
export const datatypeOf = (tensor: NarrowTensor): string => tensor.toUpperCase().replace('FLOAT', 'FP');

const LARGEST_FLOAT16 = 65504;
const LARGEST_FLOAT32 = 3.4028234663852886e38;

/** The largest number that a number column takes: a larger one would be Infinity in the tensor. */
export const largestNumber = (tensor: NarrowTensor | undefined): number =>
  tensor === 'float16' ? LARGEST_FLOAT16 : LARGEST_FLOAT32;
