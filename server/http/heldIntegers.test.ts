import { expect } from 'vitest';
import { ADULT_COLUMNS, adultBody, adultRow } from '../testing/adult.ts';
import type { RequestInit } from '../testing/httpClient.ts';
import { withApp } from '../testing/withApp.ts';

const JSON_TYPE = { 'content-type': 'application/json' };

/** The same two rows in every dialect; the second has this number in a column that the graph takes as float32. */
function inEveryForm(fnlwgt: number): Readonly<Record<string, { path: string; init: RequestInit }>> {
  const rows = [adultRow(), adultRow({ fnlwgt })];
  const records = rows.map((row) => Object.fromEntries(ADULT_COLUMNS.map((name, at) => [name, row[at]])));
  const columns = Object.fromEntries(ADULT_COLUMNS.map((name, at) => [name, rows.map((row) => row[at])]));
  const lines = records.map((record) => `${JSON.stringify(record)}\n`).join('');
  const csv = [ADULT_COLUMNS, ...rows].map((cells) => `${cells.join(',')}\n`).join('');
  const tensors = (numeric: string) =>
    ADULT_COLUMNS.map((name, at) => ({
      name,
      shape: [2],
      datatype: typeof rows[0]?.[at] === 'string' ? 'BYTES' : numeric,
      data: rows.map((row) => row[at]),
    }));
  const binary = (datatype: 'INT64' | 'FP64') => {
    const bytes = Buffer.alloc(16);
    for (const [at, row] of rows.entries()) {
      const cell = Number(row[ADULT_COLUMNS.indexOf('fnlwgt')]);
      if (datatype === 'FP64') bytes.writeDoubleLE(cell, at * 8);
      else bytes.writeBigInt64LE(BigInt(cell), at * 8);
    }
    const inputs = tensors('INT64').map(({ data, ...tensor }) =>
      tensor.name === 'fnlwgt'
        ? { ...tensor, datatype, parameters: { binary_data_size: 16 } }
        : { ...tensor, data },
    );
    const head = Buffer.from(JSON.stringify({ inputs }));
    const headers = {
      'content-type': 'application/octet-stream',
      'inference-header-content-length': String(head.length),
    };
    const body = Buffer.concat([head, bytes]);
    return { path: '/v2/models/adult/infer', init: { method: 'POST', headers, body } };
  };
  const post = (path: string, body: unknown, headers: Record<string, string> = JSON_TYPE) => ({
    path,
    init: { method: 'POST', headers, body: typeof body === 'string' ? body : JSON.stringify(body) },
  });
  const multipart = 'multipart/form-data; boundary=edge';
  const file = `--edge\r\ncontent-disposition: form-data; name="file"; filename="a.csv"\r\n\r\n${csv}\r\n--edge--\r\n`;
  return {
    split: post('/predict', adultBody(...rows)),
    records: post('/predict', records),
    columns: post('/predict', columns),
    csv: post('/predict', csv, { 'content-type': 'text/csv' }),
    lines: post('/predict', lines, { 'content-type': 'application/x-ndjson' }),
    file: post('/predict_file', file, { 'content-type': multipart }),
    'V1 instances': post('/v1/models/adult:predict', { instances: records }),
    'V2 INT64': post('/v2/models/adult/infer', { inputs: tensors('INT64') }),
    'V2 FP64': post('/v2/models/adult/infer', { inputs: tensors('FP64') }),
    'V2 FP32': post('/v2/models/adult/infer', { inputs: tensors('FP32') }),
    'V2 binary INT64': binary('INT64'),
    'V2 binary FP64': binary('FP64'),
    'MLflow split': post('/invocations', { dataframe_split: adultBody(...rows) }),
    'MLflow records': post('/invocations', { dataframe_records: records }),
    'MLflow inputs': post('/invocations', { inputs: columns }),
    'MLflow lines': post('/invocations', lines, { 'content-type': 'application/x-ndjson' }),
    'MLflow csv': post('/invocations', csv, { 'content-type': 'text/csv' }),
  };
}

withApp(
  'an integer that the float32 tensor of its column does not hold is refused by row and column in every dialect',
  async ({ request }) => {
    for (const number of [20240201, -16777217, 2 ** 53 - 1]) {
      for (const [form, { path, init }] of Object.entries(inEveryForm(number))) {
        const { status, text } = await request(path, init);
        // The protocols of others have 400 for it.
        expect(status, form).toBe(/^(?:V1|V2|MLflow)/.test(form) ? 400 : 422);
        expect(text, form).toMatch(/row\\?"?:? ?1\b/);
        expect(text, form).toContain('fnlwgt');
        expect(text, form).toMatch(/holds/);
        expect(text, form).not.toContain(String(Math.abs(number)));
      }
    }
  },
);

withApp('one that it holds is answered, however large', async ({ request }) => {
  for (const number of [16777216, 20240200, -(2 ** 53) + 2 ** 29]) {
    for (const [form, { path, init }] of Object.entries(inEveryForm(number))) {
      expect((await request(path, init)).status, `${form}: ${number}`).toBe(200);
    }
  }
});
