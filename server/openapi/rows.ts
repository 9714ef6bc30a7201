import { exampleRow } from '../model/exampleRow.ts';
import type { Model } from '../model/model.ts';
import type { Signature } from '../model/signature.ts';
import { anyCellSchema, columnSchema } from './columns.ts';
import type { Json } from './json.ts';
import { ref } from './json.ts';

type Inputs = Signature['inputs'];

const namesOf = (inputs: Inputs): string[] => inputs.map(({ name }) => name);

const byColumn = (inputs: Inputs, schemaOf: (input: Inputs[number]) => Json): Json => ({
  type: 'object',
  additionalProperties: false,
  required: namesOf(inputs),
  properties: Object.fromEntries(inputs.map((input) => [input.name, schemaOf(input)])),
});

const split = (inputs: Inputs): Json => ({
  type: 'object',
  description: 'pandas\' orient="split". The order of the columns is free; each row follows it.',
  additionalProperties: false,
  required: ['columns', 'data'],
  properties: {
    columns: {
      type: 'array',
      uniqueItems: true,
      minItems: inputs.length,
      maxItems: inputs.length,
      items: { type: 'string', enum: namesOf(inputs) },
    },
    data: {
      type: 'array',
      items: {
        type: 'array',
        minItems: inputs.length,
        maxItems: inputs.length,
        items: anyCellSchema(inputs),
      },
    },
    index: { type: 'array', items: {}, description: 'As long as data. It carries nothing for a prediction.' },
  },
});

/** The forms of a model's rows, as components by name. */
export const rowSchemas = (name: string, { signature: { inputs } }: Model): Json => ({
  [`${name}Row`]: { description: 'One row, by column.', ...byColumn(inputs, columnSchema) },
  [`${name}Split`]: split(inputs),
  [`${name}Columns`]: {
    description: 'A list of cells for each column, all of the same length.',
    ...byColumn(inputs, (input) => ({ type: 'array', items: columnSchema(input) })),
  },
});

/** An example row in each form. */
export function exampleForms({ signature }: Model): {
  readonly split: Json;
  readonly record: Json;
  readonly columns: Json;
  readonly csv: string;
} {
  const columns = namesOf(signature.inputs);
  const row = exampleRow(signature);
  return {
    split: { columns, data: [row] },
    record: Object.fromEntries(columns.map((name, index) => [name, row[index]])),
    columns: Object.fromEntries(columns.map((name, index) => [name, [row[index]]])),
    csv: `${csvLine(columns)}\n${csvLine(row)}\n`,
  };
}

const csvCell = (value: unknown): string => {
  const text = String(value);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
};
const csvLine = (cells: readonly unknown[]): string => cells.map(csvCell).join(',');

/** The body of a prediction, in every form. */
export function rowsBody(name: string, model: Model): Json {
  const { split, record, columns, csv } = exampleForms(model);
  const row = ref(`${name}Row`);
  return {
    required: true,
    content: {
      'application/json': {
        schema: {
          anyOf: [ref(`${name}Split`), row, { type: 'array', items: row }, ref(`${name}Columns`)],
        },
        examples: {
          split: { summary: 'Columns and rows', value: split },
          record: { summary: 'One object', value: record },
          records: { summary: 'A list of objects', value: [record] },
          columns: { summary: 'Column-wise', value: columns },
        },
      },
      'text/csv': { schema: { type: 'string' }, examples: { csv: { summary: 'CSV', value: csv } } },
    },
  };
}
