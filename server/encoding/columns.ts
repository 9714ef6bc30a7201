import { Problem } from '../errors/problem.ts';
import type { Input } from '../model/signature.ts';
import type { Refusal } from '../errors/refusals.ts';
import { explainNames } from './nearNames.ts';

/** Limits on names in an error: long ones are cut, and only the first of many are listed. */
const MAX_NAME_LENGTH = 64;
const MAX_NAMES = 20;

/** A client's name, cut for an error. */
export const cutName = (name: string): string =>
  name.length > MAX_NAME_LENGTH ? `${name.slice(0, MAX_NAME_LENGTH)}…` : name;

function list(names: readonly string[], limit = MAX_NAMES): string {
  const shown = names.slice(0, limit).map((name) => JSON.stringify(cutName(name)));
  return names.length > limit ? `${shown.join(', ')} and ${names.length - limit} more` : shown.join(', ');
}

/** For each column of the signature, its position in a row of the request. */
export type Positions = readonly number[];

/** Finds the signature's columns among a request's. The order is free. */
export type FindColumns = (columns: readonly string[], ignoreExtra: boolean) => Positions;

/** The returned function throws a Problem invalid_columns that names all missing, unknown and repeated columns. */
export function createColumnFinder(inputs: readonly Input[]): FindColumns {
  const names = inputs.map(({ name }) => name);
  const inOrder = names.map((_, index) => index);
  const known = new Set(names);

  const find: FindColumns = (columns, ignoreExtra) => {
    const positions = new Map<string, number>();
    const doubled = new Set<string>();
    columns.forEach((name, position) => {
      if (!positions.has(name)) positions.set(name, position);
      else if (known.has(name) || !ignoreExtra) doubled.add(name);
    });
    const missing = names.filter((name) => !positions.has(name));
    const extra = [...positions.keys()].filter((name) => !known.has(name));
    const unknown = ignoreExtra ? [] : extra;
    const faults = [
      missing.length > 0 ? `missing: ${list(missing, Infinity)}` : '',
      unknown.length > 0 ? `unknown: ${list(unknown)}` : '',
      doubled.size > 0 ? `more than once: ${list([...doubled])}` : '',
      ...explainNames(missing, extra),
    ].filter((fault) => fault !== '');
    if (faults.length > 0) {
      const refusals: Refusal[] = [
        ...missing.map((column) => ({ reason: 'missing_column', column, count: 1 }) as const),
        // A name that only the client has must not become a label of a metric.
        { reason: 'unknown_column', column: '', count: unknown.length },
        ...[...doubled].map(
          (name) => ({ reason: 'repeated_column', column: known.has(name) ? name : '', count: 1 }) as const,
        ),
      ];
      throw new Problem('invalid_columns', {
        refusals,
        detail: `The columns do not match the model's signature: ${faults.join('; ')}.`,
      });
    }
    return names.map((name) => positions.get(name) as number);
  };

  return (columns, ignoreExtra) =>
    columns.length === names.length && names.every((name, index) => name === columns[index])
      ? inOrder
      : find(columns, ignoreExtra);
}
