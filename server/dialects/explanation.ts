import type { Space } from '../../worker/explanation/space.ts';
import { Problem } from '../errors/problem.ts';
import { classTexts, classesAsJson } from '../model/labels.ts';
import type { Model } from '../model/model.ts';
import { writeNumber } from './forms/numbers.ts';

/** Which contributions an answer has. */
export interface Wanted {
  /** Index of a class, the one that each row is predicted, or all; 0 for a value. */
  readonly of: number | 'predicted' | 'all';
  /** The largest by size; all where undefined. */
  readonly top: number | undefined;
}

/** @throws {Problem} invalid_parameter */
export function readWanted(
  { output }: Pick<Model, 'output'>,
  { class: named, top }: { readonly class: string | undefined; readonly top: string | undefined },
): Wanted {
  if (top !== undefined && !/^[1-9]\d{0,5}$/.test(top))
    throw new Problem('invalid_parameter', {
      detail: 'The query parameter top takes a whole number from 1 up.',
    });
  const most = top === undefined ? undefined : Number(top);
  if (output.task !== 'classification') {
    if (named !== undefined)
      throw new Problem('invalid_parameter', {
        detail: 'This model has no classes: leave the query parameter class out.',
      });
    return { of: 0, top: most };
  }
  if (named === undefined) return { of: 'predicted', top: most };
  const found = classTexts(output).indexOf(named);
  if (found >= 0) return { of: found, top: most };
  if (named === 'all') return { of: 'all', top: most };
  throw new Problem('invalid_parameter', {
    detail: 'The query parameter class takes a class of the model as GET /models/{model} lists them, or all.',
  });
}

/** Writes the explanations of a request's rows, as JSON: a list with one entry a row. */
export type WriteExplanations = (
  packed: Pick<Space, 'first' | 'outputs'> & { readonly base: readonly number[]; readonly columns: number },
  found: { readonly contributions: Float64Array; readonly standardErrors?: Float64Array },
  answers: Float64Array,
  wanted: Wanted,
) => string;

/** The largest by size, in the order of their size, and the sum of the others. */
function largest(values: Float64Array, top: number): { readonly kept: number[]; readonly other: number } {
  const bySize = Array.from(values.keys()).sort(
    (a, b) => Math.abs(values[b] as number) - Math.abs(values[a] as number),
  );
  const other = bySize.slice(top).reduce((sum, at) => sum + (values[at] as number), 0);
  return { kept: bySize.slice(0, top), other };
}

/** Names are serialised once, here. */
export function createExplanationWriter({
  signature,
  output,
}: Pick<Model, 'signature' | 'output'>): WriteExplanations {
  const names = signature.inputs.map(({ name }) => JSON.stringify(name));
  const classes = output.task === 'classification' ? classesAsJson(output) : undefined;
  const width = 1 + (classes?.length ?? 0);

  const listOf = (kept: readonly number[], values: Float64Array): string =>
    kept.map((at) => `${names[at]}:${writeNumber(values[at] as number)}`).join();
  const write = (
    values: Float64Array,
    errors: Float64Array | undefined,
    base: number,
    top: number | undefined,
    label: number,
  ): string => {
    const sum = values.reduce((total, value) => total + value, base);
    const { kept, other } =
      top === undefined || top >= values.length
        ? { kept: [...values.keys()], other: undefined }
        : largest(values, top);
    const deviations = errors ? `,"standardErrors":{${listOf(kept, errors)}}` : '';
    const rest = other === undefined ? '' : `,"other":${writeNumber(other)}`;
    const named = classes ? `"class":${classes[label]},` : '';
    return `{${named}"base":${writeNumber(base)},"output":${writeNumber(sum)},"contributions":{${listOf(kept, values)}}${rest}${deviations}}`;
  };
  return ({ base, first, outputs, columns }, found, answers, { of, top }) => {
    const one = (row: number, label: number): string => {
      // Of two classes that have one score, the first has what is left of 1, or its negative.
      const mirrored = first !== undefined && label === 0;
      const k = first === undefined ? label : 0;
      const from = (row * outputs + k) * columns;
      const values = found.contributions.subarray(from, from + columns);
      const errors = found.standardErrors?.subarray(from, from + columns);
      const own = base[k] as number;
      if (!mirrored) return write(values, errors, own, top, label);
      return write(
        values.map((value) => -value),
        errors,
        first === '1 - s' ? 1 - own : -own,
        top,
        label,
      );
    };
    const rows = answers.length / width;
    return Array.from({ length: rows }, (_, row) => {
      if (of === 'all') return `[${(classes ?? []).map((_name, label) => one(row, label)).join()}]`;
      return one(row, of === 'predicted' ? (answers[row * width] as number) : of);
    }).join();
  };
}
