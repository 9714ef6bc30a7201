import type { Cell, Input } from './api.ts';

const NUMBER = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i;

/**
 * Converts a cell of a CSV to a JSON value. A text that is no value of the column's type stays text, so that the server
 * refuses it with its reason.
 */
export function fromText({ type }: Pick<Input, 'type'>, text: string): Cell {
  if (text === '') return null;
  if (type === 'string') return text;
  const trimmed = text.trim();
  if (type === 'boolean') return /^(true|false)$/i.test(trimmed) ? trimmed.toLowerCase() === 'true' : text;
  return NUMBER.test(trimmed) ? Number(trimmed) : text;
}
