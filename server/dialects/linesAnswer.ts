import type { OutputFeed } from '../../worker/protocol.ts';
import { answerWidth } from '../../worker/protocol.ts';
import type { CellError } from '../errors/problem.ts';
import { classesAsJson } from '../model/labels.ts';
import type { Model } from '../model/model.ts';
import type { EncodedRows, Warning } from '../model/rows.ts';
import { writeNumber, writeNumbers } from './forms/numbers.ts';
import { createSeveralText } from './forms/severalText.ts';

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

/** Writes the prediction of the row of answers that begins at `answers[at]`, and what stands beside it. */
type WriteRow = (answers: Float64Array, at: number, probabilities: boolean) => string;

function createWriteRow(output: OutputFeed, width: number): WriteRow {
  switch (output.task) {
    case 'regression':
      return (answers, at) => writeNumber(answers[at] as number);
    case 'classification': {
      const classes = classesAsJson(output);
      return (answers, at, probabilities) => {
        const label = classes[answers[at] as number] as string;
        if (!probabilities) return label;
        return `${label},"probabilities":[${writeNumbers(answers.subarray(at + 1, at + width))}]`;
      };
    }
    case 'several': {
      const { prediction, scores } = createSeveralText(output);
      if (!scores) return prediction;
      return (answers, at, probabilities) => {
        const isWanted = probabilities || scores.name !== 'probabilities';
        const beside = isWanted ? `,"${scores.name}":${scores.write(answers, at)}` : '';
        return prediction(answers, at) + beside;
      };
    }
  }
}

/** The writer of a model's answers: `{"prediction": …}`, its probabilities if they are wanted, its warnings or errors. */
export function createLinesWriter({ output }: Pick<Model, 'output'>): WriteLines {
  const width = answerWidth(output);
  const writeRow = createWriteRow(output, width);
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
