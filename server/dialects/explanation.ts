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

/** The explanations of a request's rows, before they are written. */
export interface ExplainedScores {
  readonly packed: Pick<Space, 'first' | 'outputs'> & {
    readonly base: readonly number[];
    readonly columns: number;
  };
  /** [rows, outputs, columns], as the standard errors. */
  readonly contributions: Float64Array;
  readonly standardErrors?: Float64Array;
}

/** What adds up to the score of one class, or to the value: its base, and a contribution a column. */
export interface ScoreExplanation {
  readonly base: number;
  readonly values: Float64Array;
  /** The standard errors of the values, where they are of a sample. */
  readonly errors: Float64Array | undefined;
}

/** @param label index of a class; 0 for a value */
export function explanationAt(
  { packed: { base, first, outputs, columns }, contributions, standardErrors }: ExplainedScores,
  row: number,
  label: number,
): ScoreExplanation {
  const k = first === undefined ? label : 0;
  const from = (row * outputs + k) * columns;
  const values = contributions.subarray(from, from + columns);
  const errors = standardErrors?.subarray(from, from + columns);
  const own = base[k] as number;
  // Of two classes that have one score, the first has what is left of 1, or its negative.
  if (first === undefined || label !== 0) return { base: own, values, errors };
  return { base: first === '1 - s' ? 1 - own : -own, values: values.map((value) => -value), errors };
}

/** How the rows were explained, as members of an answer's JSON. */
export const methodMembers = ({
  packed: { space },
  method,
  samples,
}: {
  readonly packed: { readonly space: string };
  readonly method: string;
  readonly samples: number | undefined;
}): string =>
  `"space":"${space}","method":"${method}"${samples === undefined ? '' : `,"samples":${samples}`}`;

/** The score of an explained row. */
export const outputOf = ({ base, values }: ScoreExplanation): number =>
  values.reduce((total, value) => total + value, base);

/** The classes whose scores are explained, for each row; 0 for a value. */
export function labelsOf(
  output: Model['output'],
): (answers: Float64Array, of: Wanted['of']) => readonly (readonly number[])[] {
  const classes = output.task === 'classification' ? output.classes.length : 0;
  const all = Array.from({ length: classes }, (_, label) => label);
  return (answers, of) =>
    Array.from({ length: answers.length / (1 + classes) }, (_, row) => {
      if (of === 'all') return all;
      return [of === 'predicted' ? (answers[row * (1 + classes)] as number) : of];
    });
}

/** The contributions to one score of each row, and last its base: [rows, columns + 1]. */
export function contributionMatrix(
  { output, signature }: Pick<Model, 'output' | 'signature'>,
  explained: ExplainedScores,
  answers: Float64Array,
  of: number | 'predicted',
): Float64Array {
  const width = signature.inputs.length + 1;
  const labels = labelsOf(output)(answers, of);
  const matrix = new Float64Array(labels.length * width);
  labels.forEach(([label = 0], row) => {
    const { base, values } = explanationAt(explained, row, label);
    matrix.set(values, row * width);
    matrix[(row + 1) * width - 1] = base;
  });
  return matrix;
}

/** Writes the explanations of a request's rows, as JSON: a list with one entry a row. */
export type WriteExplanations = (explained: ExplainedScores, answers: Float64Array, wanted: Wanted) => string;

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
  const rowLabels = labelsOf(output);

  const listOf = (kept: readonly number[], values: Float64Array): string =>
    kept.map((at) => `${names[at]}:${writeNumber(values[at] as number)}`).join();
  const write = (one: ScoreExplanation, top: number | undefined, label: number): string => {
    const { base, values, errors } = one;
    const { kept, other } =
      top === undefined || top >= values.length
        ? { kept: [...values.keys()], other: undefined }
        : largest(values, top);
    const deviations = errors ? `,"standardErrors":{${listOf(kept, errors)}}` : '';
    const rest = other === undefined ? '' : `,"other":${writeNumber(other)}`;
    const named = classes ? `"class":${classes[label]},` : '';
    return `{${named}"base":${writeNumber(base)},"output":${writeNumber(outputOf(one))},"contributions":{${listOf(kept, values)}}${rest}${deviations}}`;
  };
  return (explained, answers, { of, top }) => {
    const one = (row: number, label: number): string =>
      write(explanationAt(explained, row, label), top, label);
    return rowLabels(answers, of)
      .map((labels, row) => {
        const entries = labels.map((label) => one(row, label)).join();
        return of === 'all' ? `[${entries}]` : entries;
      })
      .join();
  };
}
