import { number } from './text.ts';

/** The median of several values with the range of them. */
export interface Spread {
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

/** @param values at least one */
export function spread(values: readonly number[]): Spread {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = (sorted.length - 1) / 2;
  const low = sorted[Math.floor(middle)] as number;
  const high = sorted[Math.ceil(middle)] as number;
  return { median: (low + high) / 2, min: sorted[0] as number, max: sorted.at(-1) as number };
}

/** The same; undefined of no values. */
export const spreadOf = (values: readonly number[] = []): Spread | undefined =>
  values.length === 0 ? undefined : spread(values);

/** `median (min-max)`; the median alone where all values are the same. */
export const spreadText = ({ median, min, max }: Spread): string =>
  min === max ? number(median) : `${number(median)} (${number(min)}-${number(max)})`;

export const mean = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length;
