import type { CellError } from '../errors/problem.ts';
import { classesAsJson } from '../model/labels.ts';
import type { Model } from '../model/model.ts';
import type { EncodedRows, Warning } from '../model/rows.ts';
import { writeNumber, writeNumbers } from './native.ts';

/** Writes the answer to a table as JSON Lines, one line a row, refused rows too. */
export type WriteLines = (answers: Float64Array, rows: EncodedRows, probabilities: boolean) => string;

/** Notes by their row. */
function byRow<T extends { readonly row: number }>(notes: readonly T[]): ReadonlyMap<number, readonly T[]> {
  const rows = new Map<number, T[]>();
  for (const note of notes) {
    const ofRow = rows.get(note.row);
    if (ofRow) ofRow.push(note);
    else rows.set(note.row, [note]);
  }
  return rows;
}

const member = (name: string, notes: readonly unknown[] | undefined): string =>
  notes === undefined ? '' : `,"${name}":${JSON.stringify(notes)}`;

/** The writer of a model's answers: `{"prediction": …}`, its probabilities if they are wanted, its warnings or errors. */
export function createLinesWriter({ output }: Pick<Model, 'output'>): WriteLines {
  const classes = output.task === 'classification' ? classesAsJson(output) : [];
  const width = 1 + classes.length;
  const writeRow = (answers: Float64Array, at: number, probabilities: boolean): string => {
    const answer = answers[at] as number;
    if (classes.length === 0) return writeNumber(answer);
    const scores = probabilities
      ? `,"probabilities":[${writeNumbers(answers.subarray(at + 1, at + width))}]`
      : '';
    return (classes[answer] as string) + scores;
  };
  return (answers, rows, probabilities) => {
    const refused = new Set(rows.refused?.rows);
    const errors = byRow<CellError>(rows.refused?.errors ?? []);
    const warnings = byRow<Warning>(rows.warnings);
    let text = '';
    let at = 0;
    for (let row = 0; row < rows.rows + refused.size; row++) {
      const isRefused = refused.has(row);
      const answer = isRefused ? 'null' : writeRow(answers, at, probabilities);
      if (!isRefused) at += width;
      text += `{"prediction":${answer}${member('warnings', warnings.get(row))}${member('errors', errors.get(row))}}\n`;
    }
    return text;
  };
}
