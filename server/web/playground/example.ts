import type { Cell, Input } from './api.ts';

/** Whether a category looks like a value, not like a mark of a missing one. */
const looksLikeValue = (category: string): boolean => /[\p{L}\p{N}]/u.test(category);

/** A number near the middle of two, short if possible. */
function middle(min: number, max: number): number {
  const exact = (min + max) / 2;
  const short = Number(exact.toPrecision(3));
  return short >= min && short <= max ? short : exact;
}

/** A cell that the column accepts: the first content of its field. */
export function exampleCell({ type, categories, range: [min, max] = [0, 0], example }: Input): Cell {
  if (example !== undefined) return example;
  switch (type) {
    case 'string':
      return categories?.find(looksLikeValue) ?? categories?.[0] ?? '';
    case 'boolean':
      return false;
    case 'integer':
      return Math.round((min + max) / 2);
    case 'number':
      return middle(min, max);
  }
}
