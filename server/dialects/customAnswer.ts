import type { OutputFeed } from '../../worker/protocol.ts';
import { answerWidth } from '../../worker/protocol.ts';
import type { EncodedRows } from '../model/rows.ts';
import type { Problem } from '../errors/problem.ts';
import { classesAsJson } from '../model/labels.ts';
import type { Model } from '../model/model.ts';
import { roundDecimal } from './forms/roundDecimal.ts';
import type { WriteError } from './errorForm.ts';
import { capital, placeOf, statusWithout422 } from './errorSentence.ts';
import { writeNumber } from './forms/numbers.ts';
import { createSeveralText } from './forms/severalText.ts';

/** Writes the answers in the model's custom form: `{"cost": 12.5}` for one row, `{"cost": [12.5, …]}` for a list of rows. */
export type WriteCustomAnswer = (answers: Float64Array, rows: EncodedRows, single: boolean) => string;

/** Writes the prediction of the row of answers that begins at `answers[at]`. */
function createWriteOne(
  output: OutputFeed,
  decimals: number | undefined,
): (answers: Float64Array, at: number) => string {
  switch (output.task) {
    case 'classification': {
      const classes = classesAsJson(output);
      return (answers, at) => classes[answers[at] as number] as string;
    }
    case 'regression':
      return (answers, at) => {
        const value = answers[at] as number;
        return writeNumber(decimals === undefined ? value : roundDecimal(value, decimals));
      };
    case 'several':
      return createSeveralText(output, decimals).prediction;
  }
}

/** The writer of the form that `answer` in model.json describes; undefined without `answer`. */
export function createCustomWriter({
  signature,
  output,
}: Pick<Model, 'signature' | 'output'>): WriteCustomAnswer | undefined {
  if (!signature.answer) return undefined;
  const { key, decimals } = signature.answer;
  const name = JSON.stringify(key);
  const width = answerWidth(output);
  const writeOne = createWriteOne(output, decimals);
  return (answers, { rows }, single) => {
    const values = Array.from({ length: rows }, (_, row) => writeOne(answers, row * width));
    return `{${name}:${single ? values.join() : `[${values.join()}]`}}`;
  };
}

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
