import type { Table } from '../model/rows.ts';
import { explainText } from '../dialects/forms/explainCell.ts';
import { readTextCell } from '../dialects/forms/textCell.ts';
import { Problem } from '../errors/problem.ts';
import type { AppContext } from './context.ts';
import type { Input } from '../model/signature.ts';

/** The names and values of a query, in order. A plus is a space, as in forms. */
export type Pairs = readonly (readonly [name: string, value: string])[];

function decode(text: string): string {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '));
  } catch {
    // URLSearchParams would put U+FFFD in its place: another value than the client meant.
    throw new Problem('invalid_parameter', { detail: 'The query is not percent-encoded UTF-8.' });
  }
}

/** @throws {Problem} invalid_parameter */
export function readPairs(c: AppContext): Pairs {
  const { url } = c.req;
  const at = url.indexOf('?');
  if (at === -1) return [];
  return url
    .slice(at + 1)
    .split('&')
    .filter((pair) => pair !== '')
    .map((pair) => {
      const equals = pair.indexOf('=');
      return equals === -1
        ? [decode(pair), '']
        : [decode(pair.slice(0, equals)), decode(pair.slice(equals + 1))];
    });
}

const EXPLAIN = explainText();

/** One row, whose columns are the names of a query. The encoder refuses a name that occurs twice. */
export function readQueryRow(pairs: Pairs, inputs: readonly Input[]): Table {
  const typeOf = new Map(inputs.map(({ name, type }) => [name, type]));
  return {
    explain: EXPLAIN,
    columns: pairs.map(([name]) => name),
    data: [pairs.map(([name, value]) => readTextCell(value, typeOf.get(name) ?? 'string'))],
  };
}
