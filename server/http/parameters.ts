import { Problem } from '../errors/problem.ts';
import type { AppContext } from './context.ts';
import type { Pairs } from './query.ts';
import { readPairs } from './query.ts';

/** The values that each query parameter of a route takes; the first is its default. */
export type Parameters = Readonly<Record<string, readonly [string, ...string[]]>>;

export type Values<P extends Parameters> = { readonly [Name in keyof P]: P[Name][number] };

/** Reads a route's query parameters. A misspelt name would otherwise be ignored in silence. */
export interface ReadParameters<P extends Parameters> {
  /** @throws {Problem} invalid_parameter */
  (c: AppContext): Values<P>;
  /** From a query that was read before. @throws {Problem} invalid_parameter */
  of(pairs: Pairs): Values<P>;
  readonly names: ReadonlySet<string>;
}

export function createParameters<const P extends Parameters>(parameters: P): ReadParameters<P> {
  const defaults = Object.fromEntries(
    Object.entries(parameters).map(([name, [value]]) => [name, value]),
  ) as Values<P>;
  const names = new Set(Object.keys(parameters));
  const of = (pairs: Pairs): Values<P> => {
    if (pairs.some(([name]) => !names.has(name))) {
      const detail =
        names.size > 0
          ? `The query parameters here are ${[...names].join(', ')}.`
          : 'There are no query parameters here.';
      throw new Problem('invalid_parameter', { detail });
    }
    const values: Record<string, string> = {};
    for (const [name, value] of pairs) {
      const accepted = parameters[name] as readonly string[];
      if (Object.hasOwn(values, name) || !accepted.includes(value)) {
        throw new Problem('invalid_parameter', {
          detail: `The query parameter ${name} takes one of: ${accepted.join(', ')}.`,
        });
      }
      values[name] = value;
    }
    return { ...defaults, ...values };
  };
  const read = (c: AppContext): Values<P> => (c.req.url.includes('?') ? of(readPairs(c)) : defaults);
  return Object.assign(read, { of, names });
}
