import type { EncodedRows } from '../model/rows.ts';
import type { Problem } from '../errors/problem.ts';
import { classesAsJson } from '../model/labels.ts';
import type { Model } from '../model/model.ts';
import { roundDecimal } from './forms/roundDecimal.ts';
import type { WriteError } from './errorForm.ts';
import { statusWithout422, placeOf } from './errorSentence.ts';
import { writeNumber } from './native.ts';

/** Writes the answers in the model's custom form: `{"cost": 12.5}` for one row, `{"cost": [12.5, …]}` for a list of rows. */
export type WriteCustomAnswer = (answers: Float64Array, rows: EncodedRows, single: boolean) => string;

/** The writer of the form that `answer` in model.json describes; undefined without `answer`. */
export function createCustomWriter({
  signature,
  output,
}: Pick<Model, 'signature' | 'output'>): WriteCustomAnswer | undefined {
  if (!signature.answer) return undefined;
  const { key, decimals } = signature.answer;
  const name = JSON.stringify(key);
  const classes = output.task === 'classification' ? classesAsJson(output) : undefined;
  const width = 1 + (classes?.length ?? 0);
  const writeOne = (answer: number): string => {
    if (classes) return classes[answer] as string;
    return writeNumber(decimals === undefined ? answer : roundDecimal(answer, decimals));
  };
  return (answers, { rows }, single) => {
    const values = Array.from({ length: rows }, (_, row) => writeOne(answers[row * width] as number));
    return `{${name}:${single ? values.join() : `[${values.join()}]`}}`;
  };
}

const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);

function sentence({ message, extensions: { errors = [], errorsTotal = 0 } }: Problem): string {
  const [first] = errors;
  if (!first) return message;
  const more = errorsTotal > 1 ? `; and ${errorsTotal - 1} more` : '';
  return `${capital(placeOf(first))}: ${first.message}${more}.`;
}

/** Writes `{"error": "…"}` with one sentence, and 400 for any bad content: as such services usually do. */
export const writeCustomError: WriteError = (problem) => ({
  type: 'application/json',
  body: JSON.stringify({ error: sentence(problem) }),
  status: statusWithout422(problem),
});
