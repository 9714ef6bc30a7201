import type { Cell } from './results.ts';

/** `10,000`. */
export const count = (value: number): string => value.toLocaleString('en-US');

/** `1 row`, `10,000 rows`. */
export const many = (value: number, word: string): string =>
  `${count(value)} ${word}${value === 1 ? '' : 's'}`;

/** `1 row, 64 connections`. */
export const cellText = ({ rows, connections }: Cell): string =>
  `${many(rows, 'row')}, ${many(connections, 'connection')}`;

/** Three significant digits, but whole numbers in full. */
export function number(value: number): string {
  const size = Math.abs(value);
  const digits = size >= 100 ? 0 : size >= 10 ? 1 : size >= 1 ? 2 : 3;
  return value.toLocaleString('en-US', { minimumFractionDigits: digits, maximumFractionDigits: digits });
}
