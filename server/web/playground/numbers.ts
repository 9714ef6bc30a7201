const format = (digits: number): Intl.NumberFormat =>
  new Intl.NumberFormat('en', { maximumSignificantDigits: digits });
const SHORT = format(3);
const LONG = format(6);
const PERCENT = new Intl.NumberFormat('en', { style: 'percent', maximumFractionDigits: 1 });
const COUNT = new Intl.NumberFormat('en');

/** A probability. Rounding never gives 100 % or 0 %. */
export function percent(probability: number): string {
  if (probability < 1 && probability > 0.9995) return '> 99.9%';
  if (probability > 0 && probability < 0.0005) return '< 0.1%';
  return PERCENT.format(probability);
}

export const count = (value: number): string => COUNT.format(value);

/** A bound of a column's range, or a predicted value. */
export const value = (number: number): string =>
  Number.isInteger(number) ? COUNT.format(number) : LONG.format(number);

/** A time in milliseconds. */
export const milliseconds = (time: number): string => `${SHORT.format(time)} ms`;

const SIGNED = new Intl.NumberFormat('en', { maximumSignificantDigits: 3, signDisplay: 'exceptZero' });
const POINTS = new Intl.NumberFormat('en', { maximumFractionDigits: 1, signDisplay: 'exceptZero' });

/** A change of a value. */
export const signed = (change: number): string => SIGNED.format(change);

/** A change of a probability, in percentage points. */
export const signedPoints = (change: number): string => `${POINTS.format(100 * change)} points`;
