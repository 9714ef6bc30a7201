import type { ErrorCode } from '../errors/problem.ts';
import type { Model } from '../model/model.ts';
import type { Input } from '../model/signature.ts';
import type { WriteError } from './errorForm.ts';
import type { Table } from '../model/rows.ts';
import { errorSentence, statusWithout422 } from './errorSentence.ts';
import { readColumnwise } from './forms/columnwise.ts';
import { readInstances } from './forms/instances.ts';
import type { JsonObject } from './forms/json.ts';
import { invalidBody, invalidForm, isObject, parseJson } from './forms/json.ts';
import { readRecords } from './forms/records.ts';
import { readSplit } from './forms/split.ts';

/** The form of JSON that MLflow 1.x names in the content type. */
export type PandasFormat = 'pandas-split' | 'pandas-records';

function splitForm(body: unknown): Table {
  if (!isObject(body))
    throw invalidForm('The split form', body, 'The split form must be an object with "columns" and "data".');
  return readSplit(body);
}

function recordsForm(body: unknown, inputs: readonly Input[]): Table {
  if (!Array.isArray(body))
    throw invalidForm('The records form', body, 'The records form must be a list of objects.');
  return readRecords(body, inputs);
}

/** Tensors by column name, or the rows as one. */
function inputsForm(body: unknown, inputs: readonly Input[]): Table {
  if (Array.isArray(body)) return readInstances(body, inputs);
  const isColumns = isObject(body) && Object.values(body).every((list) => Array.isArray(list));
  if (!isColumns)
    throw invalidForm(
      '"inputs"',
      body,
      '"inputs" must be an object of lists, one a column, or a list of rows.',
    );
  return readColumnwise(body as Readonly<Record<string, readonly unknown[]>>, inputs);
}

/** The forms of MLflow 2 and later, by their key. */
const FORMS: Readonly<Record<string, (body: unknown, inputs: readonly Input[]) => Table>> = {
  dataframe_split: splitForm,
  dataframe_records: recordsForm,
  instances: readInstances,
  inputs: inputsForm,
};
const ONE_FORM = `The body must be a JSON object with one of ${Object.keys(FORMS)
  .map((key) => `"${key}"`)
  .join(', ')}`;

function readForms(body: JsonObject, inputs: readonly Input[]): Table {
  const { params = null, ...rest } = body;
  if (params !== null && !isObject(params)) throw invalidBody('"params" must be an object.');
  const [key = '', ...more] = Object.keys(rest);
  const read = Object.hasOwn(FORMS, key) ? FORMS[key] : undefined;
  if (!read || more.length > 0) throw invalidBody(`${ONE_FORM}, beside which there may be "params".`);
  return read(rest[key], inputs);
}

/**
 * Reads a JSON body of MLflow's scoring protocol: the forms of 2.x and later, and the bare split form of 1.x.
 *
 * @throws {Problem} invalid_json or invalid_body
 */
export function readMlflow(
  text: string,
  { signature: { inputs } }: Model,
  format: 'json' | PandasFormat,
): Table {
  const body = parseJson(text);
  if (format === 'pandas-records') return recordsForm(body, inputs);
  if (format === 'pandas-split') return splitForm(body);
  if (!isObject(body)) throw invalidBody(`${ONE_FORM}.`);
  return Object.hasOwn(body, 'columns') || Object.hasOwn(body, 'data')
    ? readSplit(body)
    : readForms(body, inputs);
}

/** MLflow's error codes: a closed list, documented in docs/protocols.md. */
export const MLFLOW_CODES = [
  'BAD_REQUEST',
  'INVALID_PARAMETER_VALUE',
  'ENDPOINT_NOT_FOUND',
  'REQUEST_LIMIT_EXCEEDED',
  'TEMPORARILY_UNAVAILABLE',
  'DEADLINE_EXCEEDED',
  'INTERNAL_ERROR',
] as const;
type MlflowCode = (typeof MLFLOW_CODES)[number];

/** Codes that don't follow from the status. */
const CODES: Partial<Record<ErrorCode, MlflowCode>> = {
  invalid_columns: 'INVALID_PARAMETER_VALUE',
  invalid_rows: 'INVALID_PARAMETER_VALUE',
};
const CODES_BY_STATUS: Readonly<Record<number, MlflowCode>> = {
  404: 'ENDPOINT_NOT_FOUND',
  429: 'REQUEST_LIMIT_EXCEEDED',
  500: 'INTERNAL_ERROR',
  503: 'TEMPORARILY_UNAVAILABLE',
  504: 'DEADLINE_EXCEEDED',
};

/** `{"error_code": "…", "message": "…"}`. */
export const writeMlflowError: WriteError = (problem) => {
  const code: MlflowCode = CODES[problem.code] ?? CODES_BY_STATUS[problem.status] ?? 'BAD_REQUEST';
  return {
    type: 'application/json',
    body: JSON.stringify({ error_code: code, message: errorSentence(problem) }),
    status: statusWithout422(problem),
  };
};
