import type { CellWriter, TextEntry } from '../../encoding/cellWriters.ts';
import type { Input } from '../../model/signature.ts';
import type { Feature, SymbolicTensor, Value } from './symbolic.ts';
import { NotUnderstood, lookup } from './symbolic.ts';

/** Writes what one column contributes to a row of features. */
export type ColumnWriter = CellWriter<Float32Array>;
type TextWriter = Extract<ColumnWriter, { kind: 'text' }>;
type NumberWriter = Extract<ColumnWriter, { kind: 'number' }>;

/** A feature and its place in the row. */
interface Placed extends Feature {
  readonly position: number;
}

/** Values in the tables of one model at most: a bound on memory. */
const MAX_ENTRIES = 4_000_000;

function writeEntry({ positions, values }: TextEntry, matrix: Float32Array, rowStart: number): void {
  for (let i = 0; i < positions.length; i++) {
    matrix[rowStart + (positions[i] as number)] = values[i] as number;
  }
}

/** Merges features that look up the same value into one table: what each key writes. */
function tabulate(
  features: readonly Placed[],
  categories: readonly Value[],
): { entries: Map<Value, TextEntry>; other: TextEntry } {
  const known = new Set(categories);
  const keys = new Set(categories);
  const mentions = features.flatMap((feature) =>
    [...(feature.table?.values.keys() ?? [])].map((key) => ({ key, feature })),
  );
  const special = groupBy(mentions, ({ key }) => key);
  for (const key of special.keys()) keys.add(key);
  // Most features of a key have their table's default, and most defaults are zero: only the others are visited.
  const usual = features.filter(({ table }) => !Object.is(table?.other, 0));
  if (usual.length * keys.size > MAX_ENTRIES)
    throw new NotUnderstood('the tables of a column would be too large');

  const entry = (key: Value | undefined): TextEntry => {
    const own = key === undefined ? [] : (special.get(key) ?? []).map(({ feature }) => feature);
    const chosen = new Set([...usual, ...own]);
    const positions: number[] = [];
    const values: number[] = [];
    for (const { table, position } of chosen) {
      if (table === undefined) continue;
      const value = key === undefined ? table.other : lookup(table, key);
      if (Object.is(value, 0)) continue;
      positions.push(position);
      values.push(value as number);
    }
    return { positions, values, known: key !== undefined && known.has(key) };
  };
  return { entries: new Map([...keys].map((key) => [key, entry(key)])), other: entry(undefined) };
}

function textWriter(features: readonly Placed[], categories: readonly string[]): TextWriter {
  const { entries, other } = tabulate(features, categories);
  return {
    kind: 'text',
    table: { entries: entries as Map<string, TextEntry>, other },
    write: (text, matrix, rowStart) => {
      const entry = entries.get(text) ?? other;
      writeEntry(entry, matrix, rowStart);
      return entry.known;
    },
  };
}

function groupBy<T, Key>(items: readonly T[], keyOf: (item: T) => Key): Map<Key, T[]> {
  const groups = new Map<Key, T[]>();
  for (const item of items) {
    const group = groups.get(keyOf(item));
    if (group === undefined) groups.set(keyOf(item), [item]);
    else group.push(item);
  }
  return groups;
}

type WriteNumber = NumberWriter['write'];

/** Features that look up the same number compute it once. */
function lookupWriters(features: readonly Placed[]): WriteNumber[] {
  const groups = groupBy(features, ({ compute }) => compute);
  return [...groups].map(([compute, group]) => {
    const { entries, other } = tabulate(group, []);
    return (value, matrix, rowStart) => writeEntry(entries.get(compute(value)) ?? other, matrix, rowStart);
  });
}

/** The one feature that is the number itself. */
function findPlain([feature, ...more]: readonly Placed[]): NumberWriter['plain'] {
  if (feature?.plain === undefined || more.length > 0) return undefined;
  return { position: feature.position, missing: feature.plain.missing };
}

function numberWriter(features: readonly Placed[]): NumberWriter {
  const writers: WriteNumber[] = features
    .filter(({ table }) => table === undefined)
    .map(({ compute, position }) => {
      const number = compute as (cell: number) => number;
      return (value, matrix, rowStart) => {
        matrix[rowStart + position] = number(value);
      };
    });
  writers.push(...lookupWriters(features.filter(({ table }) => table !== undefined)));
  const [only] = writers;
  const plain = findPlain(features);
  if (only !== undefined && writers.length === 1)
    return { kind: 'number', write: only, ...(plain && { plain }) };
  return {
    kind: 'number',
    write: (value, matrix, rowStart) => {
      for (const write of writers) write(value, matrix, rowStart);
    },
  };
}

/**
 * Makes a writer for each column of the signature; together they fill one row of the matrix.
 *
 * @throws {NotUnderstood} when the tables would take too much memory
 */
export function createRowWriters(matrix: SymbolicTensor, columns: readonly Input[]): ColumnWriter[] {
  const bySource = groupBy(
    matrix.features.map((feature, position): Placed => ({ ...feature, position })),
    ({ source }) => source,
  );
  return columns.map(({ type, categories }, source) => {
    const features = bySource.get(source) ?? [];
    return type === 'string' ? textWriter(features, categories ?? []) : numberWriter(features);
  });
}
