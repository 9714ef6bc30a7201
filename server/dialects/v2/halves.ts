// Floating-point numbers of 16 bits, which neither DataView nor Math knows in all versions of Node.js.

/** Rounds to `bits` of a fraction, half to even. @param least the exponent below which steps get no finer */
function roundTo(value: number, bits: number, least: number, largest: number): number {
  if (!Number.isFinite(value) || value === 0) return value;
  const size = Math.abs(value);
  // The logarithm is rounded up only so close to a power of two that steps of both sizes lead to it.
  const exponent = Math.floor(Math.log2(size));
  const step = 2 ** (Math.max(exponent, least) - bits);
  const steps = size / step;
  const down = Math.floor(steps);
  const rest = steps - down;
  const rounded = (rest > 0.5 || (rest === 0.5 && down % 2 === 1) ? down + 1 : down) * step;
  return Math.sign(value) * (rounded > largest ? Infinity : rounded);
}

/** The nearest FP16 (IEEE 754 binary16). */
export const roundToFp16 = (value: number): number => roundTo(value, 10, -14, 65504);

/** The nearest BF16: the upper half of a float32. */
export const roundToBf16 = (value: number): number => roundTo(value, 7, -126, (2 - 2 ** -7) * 2 ** 127);

/** Widens the FP16 of these bits, exactly. */
export function widenFp16(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 0x1f) return fraction === 0 ? sign * Infinity : NaN;
  return exponent === 0 ? sign * fraction * 2 ** -24 : sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

const float = new Float32Array(1);
const word = new Uint32Array(float.buffer);

/** Widens the BF16 of these bits, exactly. */
export function widenBf16(bits: number): number {
  word[0] = bits << 16;
  return float[0] as number;
}
