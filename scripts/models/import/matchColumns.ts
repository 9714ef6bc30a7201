import type { Input } from '../../../server/model/signature.ts';
import { Failure } from '../../cli/faults.ts';

/** As converters spell a column's name where only identifiers are allowed. */
function sanitise(name: string): string {
  const clean = name.replace(/[^\p{L}\p{N}_]/gu, '_');
  return /^\d/.test(clean) ? `_${clean}` : clean;
}

const MAX_SHOWN = 3;

const list = (names: readonly string[]): string => {
  const shown = names.slice(0, MAX_SHOWN).map((name) => JSON.stringify(name));
  return names.length > MAX_SHOWN ? `${shown.join(', ')}, …` : shown.join(', ');
};

const pairs = (inputs: readonly Input[], names: readonly string[]): string =>
  inputs
    .slice(0, MAX_SHOWN)
    .map(({ name }, at) => `${JSON.stringify(name)} is ${JSON.stringify(names[at])}`)
    .join(', ') + (inputs.length > MAX_SHOWN ? ', …' : '');

export interface Matched {
  /** Under the names of the rows. */
  readonly inputs: readonly Input[];
  /** How they were found, where the names weren't the same. */
  readonly note?: string;
}

/**
 * Finds the columns of a file of rows that feed an ONNX file's inputs: by name, by the name as converters spell it, or by
 * their order where no name is known and there are as many.
 *
 * @throws {Failure} when that is ambiguous
 */
export function matchColumns(inputs: readonly Input[], columns: readonly string[]): Matched {
  const missing = inputs.filter(({ name }) => !columns.includes(name));
  if (missing.length === 0) return { inputs };
  const spelled = columns.map(sanitise);
  const found = inputs.map(({ name }) => {
    const at = columns.indexOf(name);
    if (at !== -1) return at;
    const place = spelled.indexOf(name);
    return place !== -1 && spelled.lastIndexOf(name) === place ? place : -1;
  });
  const renamed = (names: readonly string[]): Input[] =>
    inputs.map((input, at) => ({ ...input, name: names[at] as string }));
  if (!found.includes(-1) && new Set(found).size === found.length) {
    const names = found.map((at) => columns[at] as string);
    return {
      inputs: renamed(names),
      note: `columns are named as in the rows: ${pairs(
        inputs.filter(({ name }, at) => name !== names[at]),
        names.filter((name, at) => name !== inputs[at]?.name),
      )}`,
    };
  }
  if (found.every((at) => at === -1) && columns.length === inputs.length) {
    return {
      inputs: renamed(columns),
      note: `columns are taken from the rows by their order: ${pairs(inputs, columns)}`,
    };
  }
  const names = missing.map(({ name }) => name);
  throw new Failure(
    `the rows lack ${names.length} of the model's ${inputs.length} columns (${list(names)}), and have ${columns.length}: name them so, or give --columns a,b,c in the order of the model (--target leaves out the column of the answers)`,
  );
}
