import type { Model } from '../model/model.ts';
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

/** What changes the answer to one row. */
export const rowParameters = ({ output }: Model): Json[] => [
  ...(output.task === 'classification'
    ? [query('probabilities', FLAG, 'Adds the probability of each class, and the classes in the same order.')]
    : []),
  query(
    'extra',
    { type: 'string', enum: ['error', 'ignore'] },
    'What to do with columns that the signature does not have: `error` unless given.',
  ),
];

/** What changes the answer to rows in a body. */
export const bodyParameters = (model: Model): Json[] => [
  ...rowParameters(model),
  query(
    'on_error',
    { type: 'string', enum: ['fail', 'null'] },
    'What a row that the signature refuses leads to: an error for all, or null in its place; `fail` unless given.',
  ),
  query(
    'header',
    FLAG,
    'Of a CSV: whether its first line has the names of the columns; `true` unless given.',
  ),
];
