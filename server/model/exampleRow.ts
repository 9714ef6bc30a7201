import type { Input, Signature } from './signature.ts';
import { nearestHeld } from './tensorLimits.ts';

/** A cell that the column accepts. */
function exampleCell({ type, categories, range: [min, max] = [0, 0], example, tensor }: Input): unknown {
  if (example !== undefined) return example;
  switch (type) {
    case 'string':
      return categories?.[0] ?? '';
    case 'boolean':
      return false;
    case 'integer':
      return nearestHeld(tensor, Math.round((min + max) / 2));
    case 'number':
      return (min + max) / 2;
  }
}

/** A row that the model accepts, made from its signature: from its examples, where it has them. */
export const exampleRow = ({ inputs }: Pick<Signature, 'inputs'>): unknown[] => inputs.map(exampleCell);
