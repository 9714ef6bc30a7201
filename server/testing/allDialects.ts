import { readFileSync } from 'node:fs';
import { fromHome } from '../platform/install.ts';
import type { Golden } from '../model/signature.ts';
import { ADULT_COLUMNS, readAdultRows } from './adultRows.ts';
import { withDeadline } from './withDeadline.ts';

/** A request to the server with the shipped models. */
export interface Ask {
  readonly path: string;
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** A string is sent as it is, anything else as JSON. */
  readonly body?: unknown;
}

const CSV = { 'content-type': 'text/csv' };
const JSON_TYPE = { 'content-type': 'application/json' };

/** Sends a request and returns the status of the answer. */
export async function ask(port: number, { path, method, headers, body }: Ask): Promise<number> {
  const response = await withDeadline(
    `the answer to ${method ?? ''} ${path}`,
    fetch(`http://127.0.0.1:${port}${path}`, {
      method: method ?? (body === undefined ? 'GET' : 'POST'),
      headers: { ...(body === undefined ? {} : JSON_TYPE), ...headers },
      ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    }),
    20_000,
  );
  await response.arrayBuffer();
  return response.status;
}

const FORM = 'edge-of-a-part';
const upload = (csv: string): Ask => ({
  path: '/predict_file',
  headers: { 'content-type': `multipart/form-data; boundary=${FORM}` },
  body: `--${FORM}\r\ncontent-disposition: form-data; name="file"; filename="a.csv"\r\n\r\n${csv}\r\n--${FORM}--\r\n`,
});

/** Golden rows of a shipped model, as a body. */
function golden(id: string): Pick<Golden, 'columns' | 'data'> {
  const { columns, data } = JSON.parse(readFileSync(fromHome(`models/${id}/golden.json`), 'utf8')) as Golden;
  return { columns, data };
}

/**
 * A row of the default model in every dialect, each with an unknown category, which is answered; and golden rows of the
 * other models.
 *
 * @param category of the column `workclass`
 * @param column one more column, where a dialect takes it
 */
export function inEveryDialect(category: string, column: string): Ask[] {
  const [first] = readAdultRows();
  const row = ADULT_COLUMNS.map((name, at) => (name === 'workclass' ? category : first?.cells[at]));
  const table = { columns: ADULT_COLUMNS, data: [row] };
  const record = Object.fromEntries(ADULT_COLUMNS.map((name, at) => [name, row[at]]));
  const query = new URLSearchParams(
    ADULT_COLUMNS.map((name, at): [string, string] => [name, String(row[at])]),
  );
  const csv = `${ADULT_COLUMNS.join(',')}\n${row.join(',')}\n`;
  const tensors = ADULT_COLUMNS.map((name, at) => ({
    name,
    shape: [1],
    datatype: typeof row[at] === 'string' ? 'BYTES' : 'INT64',
    data: [row[at]],
  }));
  const extra = { columns: [...ADULT_COLUMNS, column], data: [[...row, 1]] };
  return [
    { path: '/predict', body: table },
    { path: '/predict', body: record },
    { path: '/predict', headers: CSV, body: csv },
    { path: '/predict?extra=ignore', body: extra },
    { path: `/predict?${query.toString()}` },
    upload(csv),
    { path: '/models/adult/predict', body: table },
    { path: '/models/adult/versions/2/predict', body: table },
    { path: '/invocations', body: { dataframe_split: extra } },
    { path: '/invocations', headers: CSV, body: `${row.join(',')}\n` },
    { path: '/v1/models/adult:predict', body: { instances: [record] } },
    { path: '/v2/models/adult/infer', body: { inputs: tensors } },
    ...['cost/1', 'housing/1', 'iris/1', 'text/1'].map((id) => ({
      path: `/models/${id.replace(/\/.*/, '')}/predict`,
      body: golden(id),
    })),
  ];
}
