import type { EncodedRows } from '../encoding/encoder.ts';
import { MAX_LISTED, Problem } from '../errors.ts';
import type { CellError } from '../errors.ts';
import type { Model } from '../models/model.ts';
import type { Table } from './dialect.ts';

/** `index` is what pandas adds to the two; it carries nothing for a prediction, but must fit the rows. */
const KEYS = new Set(['columns', 'data', 'index']);

const invalid = (detail: string): Problem => new Problem('invalid_body', { detail });

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new Problem('invalid_json', { cause });
  }
}

function checkRows(data: readonly unknown[]): asserts data is (readonly unknown[])[] {
  const errors: CellError[] = [];
  let errorsTotal = 0;
  data.forEach((values, row) => {
    if (Array.isArray(values) || errorsTotal++ >= MAX_LISTED) return;
    errors.push({ row, message: 'expected a list of cells' });
  });
  if (errorsTotal > 0) throw new Problem('invalid_rows', { errors, errorsTotal });
}

/**
 * Reads a body of the form `{"columns": [...], "data": [[...], ...]}`.
 *
 * @throws {Problem} invalid_json, invalid_body, or invalid_rows when a row is no list
 */
export function readTable(text: string): Table {
  const body = parse(text);
  if (typeof body !== 'object' || body === null || Array.isArray(body)) throw new Problem('invalid_body');
  const { columns, data, index } = body as Record<string, unknown>;
  if (columns === undefined && data === undefined) throw new Problem('invalid_body');
  if (columns === undefined)
    throw invalid('The body has no "columns": without names, no cell can be placed.');
  if (data === undefined) throw invalid('The body has no "data".');
  for (const key in body) {
    if (!KEYS.has(key)) throw invalid('The body has a key other than "columns", "data" and "index".');
  }
  if (!Array.isArray(columns) || !columns.every((name) => typeof name === 'string')) {
    throw invalid('"columns" must be a list of strings.');
  }
  if (!Array.isArray(data)) throw invalid('"data" must be a list of rows.');
  if (index !== undefined && (!Array.isArray(index) || index.length !== data.length)) {
    throw invalid('"index" must be a list as long as "data".');
  }
  checkRows(data);
  return { columns, data };
}

/** Writes the answer to a table, as JSON. */
export type WriteAnswer = (answers: Float64Array, rows: EncodedRows, probabilities: boolean) => string;

function writeWarnings({ warnings, warningsTotal }: EncodedRows): string {
  return warningsTotal === 0
    ? ''
    : `,"warnings":${JSON.stringify(warnings)},"warningsTotal":${warningsTotal}`;
}

/** JSON has no NaN and no Infinity: a model that answers one has no number to give. */
const writeNumbers = (numbers: Float64Array): string =>
  numbers.every(Number.isFinite)
    ? numbers.join(',')
    : Array.from(numbers, (number) => (Number.isFinite(number) ? String(number) : 'null')).join(',');

/** Prepares the writing of a model's answers: each class name is serialised once, here. */
export function createAnswerWriter({ output }: Pick<Model, 'output'>): WriteAnswer {
  if (output.task === 'regression') {
    return (answers, rows) => `{"predictions":[${writeNumbers(answers)}]${writeWarnings(rows)}}`;
  }
  const classes = output.classes.map((name) => JSON.stringify(name));
  const width = 1 + classes.length;
  const classList = `,"classes":[${classes.join(',')}]`;

  return (answers, rows, probabilities) => {
    let labels = '';
    let scores = '';
    for (let at = 0; at < answers.length; at += width) {
      const comma = at === 0 ? '' : ',';
      labels += comma + (classes[answers[at] as number] as string);
      if (probabilities) scores += `${comma}[${writeNumbers(answers.subarray(at + 1, at + width))}]`;
    }
    const more = probabilities ? `,"probabilities":[${scores}]${classList}` : '';
    return `{"predictions":[${labels}]${more}${writeWarnings(rows)}}`;
  };
}
