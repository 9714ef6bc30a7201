import type { OutputFeed } from '../../worker/protocol.ts';
import { answerWidth } from '../../worker/protocol.ts';
import type { Encoder } from '../model/rows.ts';
import { Problem } from '../errors/problem.ts';
import type { GoldenRows } from '../model/model.ts';
import { ModelRefused } from '../model/refused.ts';
import type { Golden } from '../model/signature.ts';

/** The training side's answers as rows of answers, [rows, answerWidth]. */
function encodeAnswers(id: string, golden: Golden, output: OutputFeed): Float64Array {
  const width = answerWidth(output);
  const answers = new Float64Array(golden.predictions.length * width);
  golden.predictions.forEach((prediction, row) => {
    if (output.task === 'regression') {
      answers[row] = Number(prediction);
      return;
    }
    const code = output.classes.indexOf(prediction);
    const probabilities = golden.probabilities?.[row];
    if (code === -1) throw new ModelRefused(id, `golden.json /predictions/${row} is none of the classes`);
    if (probabilities?.length !== output.classes.length) {
      throw new ModelRefused(id, `golden.json /probabilities/${row} must have one number for each class`);
    }
    answers.set([code, ...probabilities], row * width);
  });
  return answers;
}

/**
 * Brings golden rows into the form that a thread verifies, through the encoder that requests go through.
 *
 * @throws {ModelRefused} when rows, answers and signature do not fit each other
 */
export function encodeGolden(
  id: string,
  golden: Golden | null,
  encoder: Encoder,
  output: OutputFeed,
): GoldenRows {
  const { columns, data, predictions } = (golden ?? {}) as Golden;
  const isTable = Array.isArray(columns) && Array.isArray(data) && data.every((row) => Array.isArray(row));
  if (!isTable || !Array.isArray(predictions)) {
    throw new ModelRefused(id, 'golden.json must hold the lists columns, data and predictions');
  }
  if (predictions.length !== data.length) {
    throw new ModelRefused(id, 'golden.json must hold one prediction for each row of data');
  }
  try {
    const { rows, cells, texts } = encoder.encode(columns, data);
    return {
      rows,
      cells,
      texts,
      answers: encodeAnswers(id, golden as Golden, output),
      table: golden as Golden,
    };
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    const first = error.extensions.errors?.[0];
    const where = first ? ` (row ${first.row}, column ${first.column ?? '?'}: ${first.message})` : '';
    throw new ModelRefused(id, `golden.json does not match the signature: ${error.message}${where}`);
  }
}
