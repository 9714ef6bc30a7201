import { parseAccept } from 'hono/utils/accept';

/** The weights of the entries of a header, by name in lower case. */
export type Weights = ReadonlyMap<string, number>;

/** How a weight may be written. Anything else counts as 0; Hono alone would take it for 1. */
const WEIGHT = /^\d(?:\.\d*)?$/;

/**
 * The weight of each entry of a header such as Accept, from 0 to 1 (RFC 9110, section 12.4.2). An entry that occurs
 * twice has the larger one.
 */
export function readWeights(accept: string): Weights {
  const weights = new Map<string, number>();
  for (const { type, params, q } of parseAccept(accept)) {
    const name = type.toLowerCase();
    const weight = WEIGHT.test(params['q'] ?? params['Q'] ?? '1') ? q : 0;
    weights.set(name, Math.max(weight, weights.get(name) ?? 0));
  }
  return weights;
}

/** The weight of the first of these names that the header has; 0 without any. */
export function weightOf(weights: Weights, names: readonly string[]): number {
  for (const name of names) {
    const weight = weights.get(name);
    if (weight !== undefined) return weight;
  }
  return 0;
}

/**
 * Whether an Accept header names HTML, and doesn't prefer the other type. Browsers name it; curl and probes don't.
 *
 * @param others the media ranges of the other type, the most specific first
 */
export function prefersHtml(accept: string | undefined, others: readonly string[]): boolean {
  if (accept === undefined || !/text\/html/i.test(accept)) return false;
  const weights = readWeights(accept);
  const html = weights.get('text/html') ?? 0;
  return html > 0 && html >= weightOf(weights, others);
}
