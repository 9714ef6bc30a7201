/**
 * Rounds the shortest decimal form of a value, half away from zero: 1.005 to two places is 1.01, although the binary
 * value is a little less than 1.005.
 */
export function roundDecimal(value: number, decimals: number): number {
  if (!Number.isFinite(value)) return value;
  const [mantissa = '', exponent = '0'] = String(Math.abs(value)).split('e');
  const [whole = '', fraction = ''] = mantissa.split('.');
  // |value| is digits / 10^scale, exactly.
  const scale = fraction.length - Number(exponent);
  if (scale <= decimals) return value;
  const unit = 10n ** BigInt(scale - decimals);
  const rounded = (BigInt(whole + fraction) + unit / 2n) / unit;
  return Math.sign(value) * Number(`${rounded}e-${decimals}`);
}
