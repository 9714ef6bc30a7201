import type { Cell, Input } from './api.ts';

const NUMBER = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i;

/**
 * A cell of a CSV text as a JSON value. A text that is no value of the column's type stays a text: the server is to
 * refuse it, and to say why.
 */
export function fromText({ type }: Pick<Input, 'type'>, text: string): Cell {
  if (text === '') return null;
  if (type === 'string') return text;
  const trimmed = text.trim();
  if (type === 'boolean') return /^(true|false)$/i.test(trimmed) ? trimmed.toLowerCase() === 'true' : text;
  return NUMBER.test(trimmed) ? Number(trimmed) : text;
}
