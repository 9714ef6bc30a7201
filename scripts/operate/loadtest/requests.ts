import type { Label, Rows } from './rows.ts';
import type { Settings } from './settings.ts';

/** A request that is ready to be written to a socket. */
export interface LoadRequest {
  readonly bytes: Buffer;
  readonly body: string;
  /** Where its first row stands in the data, from 0; rows wrap around at the end of the data. */
  readonly firstRow: number;
  readonly rows: number;
  readonly expected: readonly Label[] | undefined;
}

/** Bytes of ready requests that are kept: beyond that the first ones are sent again. */
const MAX_PREPARED_BYTES = 256 * 1024 * 1024;

type Target = Pick<Settings, 'url' | 'headers' | 'rowsPerRequest'>;

const slice = <T>(items: readonly T[], first: number, length: number): T[] =>
  Array.from({ length }, (_, offset) => items[(first + offset) % items.length] as T);

/** The headers that every request has; also those of the first one, which goes by fetch. */
export const requestHeaders = ({ headers }: Pick<Settings, 'headers'>): Record<string, string> => ({
  'content-type': 'application/json',
  accept: 'application/json',
  ...headers,
});

/** All requests before the data repeats. */
export function prepareRequests(rows: Rows, target: Target): LoadRequest[] {
  const { url, rowsPerRequest } = target;
  const lines = Object.entries(requestHeaders(target)).map(([name, value]) => `${name}: ${value}\r\n`);
  const head = `POST ${url.pathname}${url.search} HTTP/1.1\r\nhost: ${url.host}\r\n${lines.join('')}`;
  const requests: LoadRequest[] = [];
  let size = 0;
  for (let first = 0; first < rows.data.length && size < MAX_PREPARED_BYTES; first += rowsPerRequest) {
    const data = slice(rows.data, first, rowsPerRequest);
    const body = JSON.stringify({ columns: rows.columns, data });
    const bytes = Buffer.from(`${head}content-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`);
    size += bytes.length;
    const expected = rows.expected && slice(rows.expected, first, rowsPerRequest);
    requests.push({ bytes, body, firstRow: first, rows: rowsPerRequest, expected });
  }
  return requests;
}
