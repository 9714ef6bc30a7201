import type { Input } from '../model/signature.ts';
import { datatypeOf, largestNumber } from '../model/tensorLimits.ts';
import type { Json } from './json.ts';

/** Number of categories that are shown as examples; `x-known-categories` has all. */
const MAX_EXAMPLES = 3;

const BOUNDS: Readonly<Record<Input['type'], Json>> = {
  integer: { minimum: Number.MIN_SAFE_INTEGER, maximum: Number.MAX_SAFE_INTEGER },
  number: { minimum: -largestNumber(undefined), maximum: largestNumber(undefined) },
  string: {},
  boolean: {},
};

function describe({ type, categories, closed, range, nullable, tensor }: Input): string {
  return [
    categories &&
      `One of the known categories; another one is ${closed ? 'refused' : 'answered, with a warning'}.`,
    range && `From ${range[0]} to ${range[1]} in the training data; not enforced.`,
    type === 'integer' && tensor && `Only integers that ${datatypeOf(tensor)} holds.`,
    type === 'number' && tensor === 'float16' && 'Within ±65504: the model computes in FP16.',
    nullable && 'null is a missing value.',
  ]
    .filter((sentence) => sentence)
    .join(' ');
}

/**
 * The schema of a column's cells. Ranges and open categories describe the training data and are not enforced: with an
 * enum clients would refuse values that the server answers.
 */
export function columnSchema(input: Input): Json {
  const { type, nullable, categories, closed, range } = input;
  const description = describe(input);
  return {
    type: nullable ? [type, 'null'] : type,
    ...BOUNDS[type],
    ...(description === '' ? {} : { description }),
    ...(closed && { enum: [...(categories ?? []), ...(nullable ? [null] : [])] }),
    ...(categories && { examples: categories.slice(0, MAX_EXAMPLES), 'x-known-categories': categories }),
    ...(range && { examples: [...new Set(range)], 'x-range': range }),
  };
}

/** The schema of a cell of any of these columns. */
export function anyCellSchema(inputs: readonly Input[]): Json {
  const types = new Set<string>(inputs.map(({ type }) => type));
  if (inputs.some(({ nullable }) => nullable)) types.add('null');
  // Every integer is a number.
  if (types.has('number')) types.delete('integer');
  return { type: [...types] };
}
