import type { Cell, Input } from './api.ts';

/** A category that stands for a value: not the mark of a missing one, as far as that can be told. */
const telling = (category: string): boolean => /[\p{L}\p{N}]/u.test(category);

/** A short number halfway between two, where there is one. */
function middle(min: number, max: number): number {
  const exact = (min + max) / 2;
  const short = Number(exact.toPrecision(3));
  return short >= min && short <= max ? short : exact;
}

/** A cell that the column accepts: what the form begins with. */
export function exampleCell({ type, categories, range: [min, max] = [0, 0], example }: Input): Cell {
  if (example !== undefined) return example;
  switch (type) {
    case 'string':
      return categories?.find(telling) ?? categories?.[0] ?? '';
    case 'boolean':
      return false;
    case 'integer':
      return Math.round((min + max) / 2);
    case 'number':
      return middle(min, max);
  }
}
