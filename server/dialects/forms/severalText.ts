import type { SeveralFeed } from '../../../worker/protocol.ts';
import { answerWidth } from '../../../worker/protocol.ts';
import { classesAsJson } from '../../model/labels.ts';
import { writeNumber, writeNumbers } from './numbers.ts';
import { roundDecimal } from './roundDecimal.ts';

/** Writes a part of the row of answers that begins at `answers[at]`, as JSON. */
type WritePart = (answers: Float64Array, at: number) => string;

/** The JSON of answers with several values. */
export interface SeveralText {
  /** Numbers in a row of answers. */
  readonly width: number;
  /** The JSON of each value, in their order. */
  readonly values: readonly WritePart[];
  /** A value, or the list of them. */
  readonly prediction: WritePart;
  /** A number, or a list of them. */
  readonly scores?: { readonly name: string; readonly write: WritePart };
}

/**
 * Class names are serialised once, here.
 *
 * @param decimals places that values are rounded to
 */
export function createSeveralText(output: SeveralFeed, decimals?: number): SeveralText {
  const { values, scores, form } = output;
  const width = answerWidth(output);
  const writers = values.map(({ classes, floatClasses }, k): WritePart => {
    if (!classes) {
      return (answers, at) => {
        const value = answers[at + k] as number;
        return writeNumber(decimals === undefined ? value : roundDecimal(value, decimals));
      };
    }
    const names = classesAsJson({ classes, ...(floatClasses && { floatClasses }) });
    return (answers, at) => names[answers[at + k] as number] as string;
  });
  const from = values.length;
  const prediction: WritePart =
    form === 'single'
      ? (writers[0] as WritePart)
      : (answers, at) => `[${writers.map((write) => write(answers, at)).join()}]`;
  const write: WritePart =
    scores?.name === 'score'
      ? (answers, at) => writeNumber(answers[at + from] as number)
      : (answers, at) => `[${writeNumbers(answers.subarray(at + from, at + width))}]`;
  return { width, values: writers, prediction, ...(scores && { scores: { name: scores.name, write } }) };
}
