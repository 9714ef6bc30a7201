import { isDeepStrictEqual } from 'node:util';
import type { EncodedRows, Table } from '../../../server/model/rows.ts';
import type { CsvForm } from '../../../server/dialects/forms/csv.ts';
import { readCsv } from '../../../server/dialects/forms/csv.ts';
import { readJsonLines } from '../../../server/dialects/forms/jsonLines.ts';
import { readMlflow } from '../../../server/dialects/mlflow.ts';
import { readNativeRows } from '../../../server/dialects/native.ts';
import { readV1 } from '../../../server/dialects/v1.ts';
import type { Model } from '../../../server/model/model.ts';
import { readPairs, readQueryRow } from '../../../server/http/query.ts';
import { toText } from '../../../server/http/body.ts';
import type { Target } from './target.ts';
import { CSV_FORMS } from './texts.ts';
import { contextOf, decoded } from './target.ts';

/** The table as columns and lists, in the order of the signature. */
function plainBody({ columns, data, byName }: Table, model: Model): string {
  const names = model.signature.inputs.map(({ name }) => name);
  const rows = data.map((row) =>
    names.map((name) => {
      const cells = row as Readonly<Record<string, unknown>>;
      return byName ? cells[name] : (row as readonly unknown[])[columns.indexOf(name)];
    }),
  );
  return JSON.stringify({ columns: names, data: rows });
}

const summary = ({ rows, cells, texts, warningsTotal }: EncodedRows): unknown => [
  rows,
  // JSON.stringify writes -0 as 0.
  Array.from(cells, (cell) => cell + 0),
  texts,
  warningsTotal,
];

/** Decodes and encodes; the same rows as a plain table must give the same matrix. */
export async function checkTable(model: Model, read: () => Table): Promise<void> {
  const found = await decoded(() => {
    const table = read();
    const whole = model.encoder.encode(table.columns, table.data, { ignoreExtra: true }, table);
    // Rows that are all good must not depend on skipBadRows.
    const lenient = model.encoder.encode(
      table.columns,
      table.data,
      { ignoreExtra: true, skipBadRows: true },
      table,
    );
    return { table, whole, lenient };
  });
  if (!found) return;
  const plain = readNativeRows(plainBody(found.table, model), model.signature.inputs).table;
  const expected = summary(model.encoder.encode(plain.columns, plain.data));
  if (!isDeepStrictEqual(summary(found.whole), expected))
    throw new Error('the same rows have another matrix');
  if (!isDeepStrictEqual(summary(found.lenient), expected)) throw new Error('good rows are left out');
}

export const json = (value: unknown): Buffer => Buffer.from(JSON.stringify(value));
export const JSON_WORDS = [
  '[',
  ']',
  '{',
  '}',
  ',',
  ':',
  '"',
  'null',
  'true',
  '-1',
  '1e999',
  '0.5',
  '""',
  '9007199254740993',
];

/** Decoders of rows, one for each dialect. */
export function tableTargets(model: Model, row: readonly unknown[]): Target[] {
  const { inputs } = model.signature;
  const names = inputs.map(({ name }) => name);
  const record = Object.fromEntries(names.map((name, at) => [name, row[at]]));
  const lists = Object.fromEntries(names.map((name, at) => [name, [row[at], row[at]]]));
  const split = { columns: names, data: [row, row] };
  const words = [...JSON_WORDS, ...names.map((name) => `"${name}"`), '"__proto__":', '"constructor":'];
  const csv = `${names.join()}\n${row.join()}\n`;
  const frame = {
    schema: { fields: [{ name: 'index' }], primaryKey: ['index'] },
    data: [{ index: 0, ...record }],
  };
  const nested = Object.fromEntries(names.map((name, at) => [name, { '0': row[at] }]));
  return [
    {
      name: 'native',
      seeds: [split, record, [record, record], lists, [], { columns: names, data: [] }, frame, nested].map(
        json,
      ),
      words: [...words, '"columns":', '"data":', '"index":', '"schema":', '"fields":', '"primaryKey":'],
      check: (input) => checkTable(model, () => readNativeRows(toText(input), inputs).table),
    },
    {
      name: 'csv',
      seeds: [
        csv,
        csv.replaceAll('\n', '\r\n'),
        `${csv}${row.map((cell) => `"${String(cell)}"`).join()}`,
        `sep=;\n${csv.replaceAll(',', ';')}`,
        csv.replaceAll(',', '\t'),
        `,${csv.replace('\n', '\n0,')}`,
        '\n\n',
      ].map((text) => Buffer.from(text)),
      words: [
        '"',
        '""',
        ',',
        ';',
        '\t',
        '|',
        '\n',
        '\r',
        '\r\n',
        '\uFEFF',
        'NaN',
        '1e5',
        ' 1 ',
        '',
        'true',
        '0x10',
        '1_0',
      ],
      check: async (input) => {
        for (const form of CSV_FORMS) await checkTable(model, () => readCsv(toText(input), inputs, form));
      },
    },
    {
      name: 'mlflow',
      seeds: [
        { dataframe_split: split },
        { dataframe_records: [record], params: {} },
        { instances: [row] },
        { inputs: lists },
        split,
      ].map(json),
      words: [
        ...words,
        '"dataframe_split":',
        '"dataframe_records":',
        '"instances":',
        '"inputs":',
        '"params":',
      ],
      check: async (input) => {
        for (const format of ['json', 'pandas-split', 'pandas-records'] as const)
          await checkTable(model, () => readMlflow(toText(input), model, format));
      },
    },
    {
      name: 'v1',
      seeds: [{ instances: [row, row] }, { instances: [record], parameters: {}, signature_name: '' }].map(
        json,
      ),
      words: [...words, '"instances":', '"signature_name":', '"parameters":'],
      check: (input) => checkTable(model, () => readV1(toText(input), model)),
    },
    {
      name: 'query',
      seeds: [
        Buffer.from(names.map((name, at) => `${name}=${encodeURIComponent(String(row[at]))}`).join('&')),
      ],
      words: ['&', '=', '%', '%00', '%e9', '%F0%9F%98%80', '+', '__proto__=', 'age=', '?', '%20'],
      check: (input) => {
        const c = contextOf({}, `http://localhost/predict?${input.toString('latin1')}`);
        return checkTable(model, () => readQueryRow(readPairs(c), inputs));
      },
    },
  ];
}

/** Decoders of rows that are separated by lines. */
export function lineTargets(model: Model, row: readonly unknown[]): Target[] {
  const { inputs } = model.signature;
  const names = inputs.map(({ name }) => name);
  const record = Object.fromEntries(names.map((name, at) => [name, row[at]]));
  const csv = `${names.join()}\n${row.join()}\n`;
  return [
    {
      name: 'json-lines',
      seeds: [
        `${JSON.stringify(record)}\n${JSON.stringify(record)}\n`,
        `${JSON.stringify(row)}\r\n\n${JSON.stringify(row)}`,
        JSON.stringify([record], undefined, 1),
      ].map((text) => Buffer.from(text)),
      words: [...JSON_WORDS, ...names.map((name) => `"${name}"`), '\n', '\r\n', '\n\n', '\u2028', ' '],
      check: (input) => checkTable(model, () => readJsonLines(toText(input), inputs)),
    },
    {
      name: 'csv-bare',
      seeds: [csv, `${row.join()}\n${row.join()}\n`, '0,1,2\n', `"${row.join('","')}"`].map((text) =>
        Buffer.from(text),
      ),
      words: ['"', ',', ';', '\n', '\r\n', '0', '1', '', ' ', 'NA'],
      check: async (input) => {
        for (const written of CSV_FORMS) {
          const form: CsvForm = { ...written, header: 'found' };
          await checkTable(model, () => readCsv(toText(input), inputs, form));
        }
      },
    },
  ];
}
