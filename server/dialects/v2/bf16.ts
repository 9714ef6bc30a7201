import { roundEven } from '../../../worker/onnx/half.ts';

// BF16, the upper half of a float32, which neither DataView nor Math knows.

const FRACTION_BITS = 7;
/** The exponent below which steps get no finer. */
const LEAST_EXPONENT = -126;
const LARGEST = (2 - 2 ** -FRACTION_BITS) * 2 ** 127;

/** The nearest BF16; of two, the one with even bits. */
export function roundToBf16(value: number): number {
  if (!Number.isFinite(value) || value === 0) return value;
  const size = Math.abs(value);
  // The logarithm is rounded up only so close to a power of two that steps of both sizes lead to it.
  const exponent = Math.floor(Math.log2(size));
  const step = 2 ** (Math.max(exponent, LEAST_EXPONENT) - FRACTION_BITS);
  const rounded = roundEven(size / step) * step;
  return Math.sign(value) * (rounded > LARGEST ? Infinity : rounded);
}

const float = new Float32Array(1);
const word = new Uint32Array(float.buffer);

/** Widens the BF16 of these bits, exactly. */
export function widenBf16(bits: number): number {
  word[0] = bits << 16;
  return float[0] as number;
}
