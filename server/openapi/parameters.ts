import type { FileParameter, QueryParameters } from '../dialects/queryParameters.ts';
import type { Model } from '../model/model.ts';
import { givesProbabilities } from '../model/signature.ts';
import type { Json } from './json.ts';

const DESCRIPTIONS: Readonly<Record<FileParameter, (usual: string) => string>> = {
  explain: () =>
    'Of an answer of type text/csv: adds what each column contributed to the answer, and the base.',
  probabilities: () => 'Adds the probability of each class, and the classes in the same order.',
  extra: (usual) => `What to do with columns that the signature does not have: \`${usual}\` unless given.`,
  on_error: (usual) =>
    `What a row that the signature refuses leads to: an error for all, or null in its place; \`${usual}\` unless given.`,
  delimiter: (usual) => `Of a CSV: what separates the cells; \`${usual}\` unless given.`,
  decimal: (usual) => `Of a CSV: the decimal sign of its numbers; \`${usual}\` unless given.`,
  header: (usual) =>
    `Of a CSV: whether its first line has the names of the columns; \`${usual}\` unless given.`,
};

// No `default` in the schemas: some generated clients would send it with each request.
const schemaOf = (values: readonly string[]): Json =>
  values.includes('true') ? { type: 'boolean' } : { type: 'string', enum: values };

/** The query parameters of an operation that predicts, from the table that its route reads them by. */
export const queryParameters = (parameters: QueryParameters, { output }: Model): Json[] =>
  Object.entries(parameters)
    .filter(([name]) => name !== 'probabilities' || givesProbabilities(output))
    .map(([name, values]) => ({
      name,
      in: 'query',
      required: false,
      schema: schemaOf(values),
      description: DESCRIPTIONS[name as FileParameter](values[0]),
    }));
