import type { EncodedRows, Table } from '../model/rows.ts';
import { Problem } from '../errors/problem.ts';
import { classesAsJson } from '../model/labels.ts';
import type { Model } from '../model/model.ts';
import type { SeveralFeed } from '../../worker/protocol.ts';
import type { Input } from '../model/signature.ts';
import type { SeveralText } from './forms/severalText.ts';
import { createSeveralText } from './forms/severalText.ts';
import { readColumnwise } from './forms/columnwise.ts';
import { isTableForm, readTableForm, refuseNested } from './forms/frames.ts';
import type { JsonObject } from './forms/json.ts';
import { invalidBody, isObject, parseJson } from './forms/json.ts';
import { writeNumber, writeNumbers } from './forms/numbers.ts';
import { readRecord, readRecords } from './forms/records.ts';
import { readSplit } from './forms/split.ts';

/** The rows of a body. `single`: the body was one row and no list, `{"age": 25, …}`. */
export interface NativeRows {
  readonly table: Table;
  readonly single: boolean;
}

/** Whether the object is pandas' split form. One of its two keys is enough, unless the signature has such a column. */
function isSplit(body: JsonObject, inputs: readonly Input[]): boolean {
  const { columns, data } = body;
  if (columns !== undefined && data !== undefined) return true;
  if (columns === undefined && data === undefined) return false;
  const key = columns === undefined ? 'data' : 'columns';
  return !inputs.some(({ name }) => name === key);
}

/**
 * Reads a JSON body: `{"columns": [...], "data": [[...], ...]}`, pandas' table form, an object of lists (columns), an
 * object of anything else (one row), or a list of objects (rows).
 *
 * @throws {Problem} invalid_json or invalid_body
 */
export function readNativeRows(text: string, inputs: readonly Input[]): NativeRows {
  const body = parseJson(text);
  if (Array.isArray(body)) return { table: readRecords(body, inputs), single: false };
  if (!isObject(body)) throw new Problem('invalid_body');
  if (isSplit(body, inputs)) {
    const isTable = body['columns'] === undefined && isTableForm(body);
    return { table: isTable ? readTableForm(body, inputs) : readSplit(body), single: false };
  }
  const values = Object.values(body);
  const lists = values.filter(Array.isArray).length;
  if (lists === 0) {
    if (isObject(values[0])) refuseNested(body, inputs);
    return { table: readRecord(body), single: true };
  }
  if (lists === values.length) {
    const columns = body as Readonly<Record<string, unknown[]>>;
    return { table: readColumnwise(columns, inputs), single: false };
  }
  throw invalidBody(
    'The body holds lists beside single values: it is neither one row nor a list for each column.',
  );
}

/** Writes the answer to a table, as JSON. Rows that were refused are null. */
export type WriteNativeAnswer = (answers: Float64Array, rows: EncodedRows, probabilities: boolean) => string;

function writeNotes({ warnings, warningsTotal, refused }: EncodedRows): string {
  const warned =
    warningsTotal === 0 ? '' : `,"warnings":${JSON.stringify(warnings)},"warningsTotal":${warningsTotal}`;
  return refused === undefined
    ? warned
    : `${warned},"errors":${JSON.stringify(refused.errors)},"errorsTotal":${refused.errorsTotal}`;
}

/** Adds null for each refused row to the entries of the others. */
export function withNulls(entries: readonly string[], refused: readonly number[]): string[] {
  const all: string[] = [];
  let next = 0;
  for (const entry of entries) {
    for (; refused[next] === all.length; next++) all.push('null');
    all.push(entry);
  }
  for (; next < refused.length; next++) all.push('null');
  return all;
}

/** Scores other than probabilities are part of each answer. */
function createSeveralAnswer(output: SeveralFeed): WriteNativeAnswer {
  const { width, prediction, scores } = createSeveralText(output);
  return (answers, rows, probabilities) => {
    const list = (write: SeveralText['prediction']): string => {
      const entries = Array.from({ length: rows.rows }, (_, row) => write(answers, row * width));
      return (rows.refused === undefined ? entries : withNulls(entries, rows.refused.rows)).join();
    };
    const wanted = scores && (probabilities || scores.name !== 'probabilities') ? scores : undefined;
    const more = wanted ? `,"${wanted.name}":[${list(wanted.write)}]` : '';
    return `{"predictions":[${list(prediction)}]${more}${writeNotes(rows)}}`;
  };
}

/** The writer of a model's answers. Class names are serialised once, here. */
export function createNativeWriter({ output }: Pick<Model, 'output'>): WriteNativeAnswer {
  if (output.task === 'regression') {
    return (answers, rows) => {
      const values =
        rows.refused === undefined
          ? writeNumbers(answers)
          : withNulls(Array.from(answers, writeNumber), rows.refused.rows).join();
      return `{"predictions":[${values}]${writeNotes(rows)}}`;
    };
  }
  if (output.task === 'several') return createSeveralAnswer(output);
  const classes = classesAsJson(output);
  const width = 1 + classes.length;
  const classList = `,"classes":[${classes.join(',')}]`;
  const writeScores = (answers: Float64Array, at: number): string =>
    `[${writeNumbers(answers.subarray(at + 1, at + width))}]`;

  return (answers, rows, probabilities) => {
    let labels = '';
    let scores = '';
    if (rows.refused === undefined) {
      for (let at = 0; at < answers.length; at += width) {
        const comma = at === 0 ? '' : ',';
        labels += comma + (classes[answers[at] as number] as string);
        if (probabilities) scores += comma + writeScores(answers, at);
      }
    } else {
      const starts = Array.from({ length: rows.rows }, (_, row) => row * width);
      const { rows: refused } = rows.refused;
      labels = withNulls(
        starts.map((at) => classes[answers[at] as number] as string),
        refused,
      ).join();
      if (probabilities)
        scores = withNulls(
          starts.map((at) => writeScores(answers, at)),
          refused,
        ).join();
    }
    const more = probabilities ? `,"probabilities":[${scores}]${classList}` : '';
    return `{"predictions":[${labels}]${more}${writeNotes(rows)}}`;
  };
}
