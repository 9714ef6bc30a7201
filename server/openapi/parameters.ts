import type { Model } from '../models/model.ts';
import type { Json } from './json.ts';

const query = (name: string, schema: Json, description: string): Json => ({
  name,
  in: 'query',
  required: false,
  schema,
  description,
});

// No `default` in the schemas: some generated clients would then send it with each request.
const FLAG: Json = { type: 'boolean' };

/** What changes an answer to a model's rows. */
export const predictionParameters = ({ output }: Model): Json[] => [
  ...(output.task === 'classification'
    ? [query('probabilities', FLAG, 'Adds the probability of each class, and the classes in the same order.')]
    : []),
  query(
    'extra',
    { type: 'string', enum: ['error', 'ignore'] },
    'What to do with columns that the signature does not have: `error` unless given.',
  ),
  query(
    'on_error',
    { type: 'string', enum: ['error', 'null'] },
    'What a row that the signature refuses leads to: an error for all, or null in its place; `error` unless given.',
  ),
];

/** What changes the reading of a CSV. */
export const headerParameter: Json = query(
  'header',
  FLAG,
  'Of a CSV: whether its first line has the names of the columns; `true` unless given.',
);
