import type { QueryParameters } from '../dialects/queryParameters.ts';
import { Problem } from '../errors/problem.ts';
import type { AppContext } from './context.ts';
import type { Pairs } from './query.ts';
import { readPairs } from './query.ts';

/** A value in an error: a sign stands in quotes. */
const show = (value: string): string => (/^\w+$/.test(value) ? value : JSON.stringify(value));

export type ParameterValues<P extends QueryParameters> = { readonly [Name in keyof P]: P[Name][number] };

/** Reads a route's query parameters. A name that the route doesn't have is refused, since it may be misspelt. */
export interface ReadParameters<P extends QueryParameters> {
  /** @throws {Problem} invalid_parameter */
  (c: AppContext): ParameterValues<P>;
  /** From a query that is read already. @throws {Problem} invalid_parameter */
  of(pairs: Pairs): ParameterValues<P>;
  /** Without a query. */
  readonly defaults: ParameterValues<P>;
}

/** @param others names that the route reads itself */
export function createParameterReader<const P extends QueryParameters>(
  parameters: P,
  others: readonly string[] = [],
): ReadParameters<P> {
  const defaults = Object.fromEntries(
    Object.entries(parameters).map(([name, [value]]) => [name, value]),
  ) as ParameterValues<P>;
  const names = new Set(Object.keys(parameters));
  const of = (pairs: Pairs): ParameterValues<P> => {
    if (pairs.some(([name]) => !names.has(name))) {
      const detail =
        names.size > 0
          ? `The query parameters here are ${[...others, ...names].join(', ')}.`
          : 'There are no query parameters here.';
      throw new Problem('invalid_parameter', { detail });
    }
    const values: Record<string, string> = {};
    for (const [name, value] of pairs) {
      const accepted = parameters[name] as readonly string[];
      if (Object.hasOwn(values, name) || !accepted.includes(value)) {
        throw new Problem('invalid_parameter', {
          detail: `The query parameter ${name} takes one of: ${accepted.map(show).join(', ')}.`,
        });
      }
      values[name] = value;
    }
    return { ...defaults, ...values };
  };
  const read = (c: AppContext): ParameterValues<P> => (c.req.url.includes('?') ? of(readPairs(c)) : defaults);
  return Object.assign(read, { of, defaults });
}

/** For a route without query parameters. @throws {Problem} invalid_parameter if there is one */
export const refuseParameters = createParameterReader({});
