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
