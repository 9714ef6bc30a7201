import { OnnxRefused } from './refused.ts';

/**
 * An int64 as a number.
 *
 * @throws {OnnxRefused} when a float64 can't hold it exactly
 */
export function exactNumber(value: bigint): number {
  const number = Number(value);
  if (BigInt(number) !== value) throw new OnnxRefused('an integer is too large to be held exactly');
  return number;
}

/** @throws {OnnxRefused} when the number isn't a sensible count or size */
export function smallCount(value: bigint, most: number, what: string): number {
  if (value < 0n || value > BigInt(most)) throw new OnnxRefused(`${what} is out of range`);
  return Number(value);
}
