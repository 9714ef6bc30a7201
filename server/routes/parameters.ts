import { Problem } from '../errors.ts';
import type { AppContext } from '../middleware/handler.ts';

/** The values that each query parameter of a route takes; the first is its default. */
export type Parameters = Readonly<Record<string, readonly [string, ...string[]]>>;

type Values<P extends Parameters> = { readonly [Name in keyof P]: P[Name][number] };

/** Reads a route's query parameters. A misspelt name would otherwise be ignored in silence. */
export function createParameters<const P extends Parameters>(parameters: P): (c: AppContext) => Values<P> {
  const defaults = Object.fromEntries(
    Object.entries(parameters).map(([name, [value]]) => [name, value]),
  ) as Values<P>;
  const known = Object.keys(parameters);
  return (c) => {
    if (!c.req.url.includes('?')) return defaults;
    const given = c.req.queries();
    if (Object.keys(given).some((name) => !known.includes(name))) {
      const detail =
        known.length > 0
          ? `The query parameters here are ${known.join(', ')}.`
          : 'There are no query parameters here.';
      throw new Problem('invalid_parameter', { detail });
    }
    const values: Record<string, string> = { ...defaults };
    for (const [name, [value = '', ...more]] of Object.entries(given)) {
      const accepted = parameters[name] as readonly string[];
      if (more.length > 0 || !accepted.includes(value)) {
        throw new Problem('invalid_parameter', {
          detail: `The query parameter ${name} takes one of: ${accepted.join(', ')}.`,
        });
      }
      values[name] = value;
    }
    return values as Values<P>;
  };
}
