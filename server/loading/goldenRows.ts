import type { Label, OutputFeed, SeveralFeed } from '../../worker/protocol.ts';
import { answerWidth } from '../../worker/protocol.ts';
import type { Encoder } from '../model/rows.ts';
import { Problem } from '../errors/problem.ts';
import type { GoldenRows } from '../model/model.ts';
import { ModelRefused } from '../model/refused.ts';
import type { Golden, Input } from '../model/signature.ts';
import type { NarrowTensor } from '../model/tensorLimits.ts';
import { isHeld } from '../model/tensorLimits.ts';

/** A row of answers with several values. @throws {ModelRefused} */
function encodeSeveral(
  id: string,
  golden: Golden,
  { values, scores, form }: SeveralFeed,
  row: number,
): number[] {
  const prediction = golden.predictions[row];
  const parts = (form === 'single' ? [prediction] : prediction) as readonly Label[];
  if (!Array.isArray(parts) || parts.length !== values.length)
    throw new ModelRefused(id, `golden.json /predictions/${row} must have ${values.length} values`);
  const numbers = values.map(({ classes }, k) => {
    const part = parts[k] as Label;
    const code = classes ? classes.indexOf(part) : part === null ? NaN : Number(part);
    if (code === -1 && classes)
      throw new ModelRefused(id, `golden.json /predictions/${row} is none of the classes`);
    return code;
  });
  if (!scores) return numbers;
  const found = golden[scores.name]?.[row];
  const list = scores.name === 'score' ? [found as number] : ((found ?? []) as readonly number[]);
  if (list.length !== scores.width || found === undefined)
    throw new ModelRefused(id, `golden.json /${scores.name}/${row} must have ${scores.width} numbers`);
  return [...numbers, ...list.map((number) => (number === null ? NaN : number))];
}

/** The golden answers, [rows, answerWidth]. */
function encodeAnswers(id: string, golden: Golden, output: OutputFeed): Float64Array {
  const width = answerWidth(output);
  const answers = new Float64Array(golden.predictions.length * width);
  if (output.task === 'several') {
    golden.predictions.forEach((_, row) => answers.set(encodeSeveral(id, golden, output, row), row * width));
    return answers;
  }
  golden.predictions.forEach((prediction, row) => {
    if (output.task === 'regression') {
      answers[row] = Number(prediction);
      return;
    }
    const code = output.classes.indexOf(prediction as Label);
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
 * Golden rows without those that requests can't send: earlier exporters wrote integers that the tensor of their column
 * doesn't hold.
 */
function heldRows(golden: Golden, inputs: readonly Input[]): Golden {
  const narrow = new Map<string, NarrowTensor>(
    inputs.flatMap(({ name, type, tensor }): [string, NarrowTensor][] =>
      type === 'integer' && tensor ? [[name, tensor]] : [],
    ),
  );
  const places = golden.columns.flatMap((name, at) => {
    const tensor = narrow.get(name);
    return tensor ? [{ at, tensor }] : [];
  });
  const isKept = (_: unknown, row: number): boolean =>
    places.every(({ at, tensor }) => {
      const cell = golden.data[row]?.[at];
      return typeof cell !== 'number' || isHeld(tensor, cell);
    });
  if (golden.data.every(isKept)) return golden;
  const { data, predictions, probabilities, score, distances } = golden;
  return {
    ...golden,
    data: data.filter(isKept),
    predictions: predictions.filter(isKept),
    ...(probabilities && { probabilities: probabilities.filter(isKept) }),
    ...(score && { score: score.filter(isKept) }),
    ...(distances && { distances: distances.filter(isKept) }),
  };
}

/**
 * Encodes golden rows for verification in a thread, with the encoder of requests.
 *
 * @throws {ModelRefused} when rows, answers and signature do not fit each other
 */
export function encodeGolden(
  id: string,
  golden: Golden | null,
  encoder: Encoder,
  output: OutputFeed,
  inputs: readonly Input[],
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
    const held = heldRows(golden as Golden, inputs);
    const { rows, cells, texts } = encoder.encode(columns, held.data);
    return {
      rows,
      cells,
      texts,
      answers: encodeAnswers(id, held, output),
      table: held,
    };
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    const first = error.extensions.errors?.[0];
    const where = first ? ` (row ${first.row}, column ${first.column ?? '?'}: ${first.message})` : '';
    throw new ModelRefused(id, `golden.json does not match the signature: ${error.message}${where}`);
  }
}
