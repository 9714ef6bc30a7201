import type { Wanted } from '../dialects/explanation.ts';
import { readWanted } from '../dialects/explanation.ts';
import type { QueryParameters } from '../dialects/queryParameters.ts';
import { Problem } from '../errors/problem.ts';
import type { Model } from '../model/model.ts';
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
        names.size + others.length > 0
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

/** A parameter whose values depend on the model. */
type OpenParameter = 'class' | 'top';

/** The value of a parameter that may be given once. @throws {Problem} invalid_parameter */
function valueOf(pairs: Pairs, name: OpenParameter): string | undefined {
  const values = pairs.filter(([given]) => given === name);
  if (values.length > 1)
    throw new Problem('invalid_parameter', { detail: `The query parameter ${name} is given twice.` });
  return values[0]?.[1];
}

/** The query parameters of a route that explains. */
export interface ExplainParameters<P extends QueryParameters> {
  readonly values: ParameterValues<P>;
  /** Read after it is known that the model can be explained. @throws {Problem} invalid_parameter */
  wanted(model: Pick<Model, 'output'>): Wanted;
}

/** @param open those of `class` and `top` that the route has, beside the others */
export function createExplainParameterReader<const P extends QueryParameters>(
  open: readonly OpenParameter[],
  others: P,
): (c: AppContext) => ExplainParameters<P> {
  const read = createParameterReader(others, open);
  const isOpen = ([name]: Pairs[number]): boolean => open.some((one) => one === name);
  return (c) => {
    const pairs = readPairs(c);
    const given = pairs.filter(isOpen);
    return {
      values: read.of(pairs.filter((pair) => !isOpen(pair))),
      wanted: (model) => readWanted(model, { class: valueOf(given, 'class'), top: valueOf(given, 'top') }),
    };
  };
}
