import type { Model } from '../models/model.ts';
import type { Json } from './json.ts';

const query = (name: string, schema: Json, description: string): Json => ({
  name,
  in: 'query',
  required: false,
  schema,
  description,
});

const FLAG: Json = { type: 'boolean', default: false };

/** What changes an answer to a model's rows. */
export const predictionParameters = ({ output }: Model): Json[] => [
  ...(output.task === 'classification'
    ? [query('probabilities', FLAG, 'Adds the probability of each class, and the classes in the same order.')]
    : []),
  query(
    'extra',
    { type: 'string', enum: ['error', 'ignore'], default: 'error' },
    'What to do with columns that the signature does not have.',
  ),
  query(
    'on_error',
    { type: 'string', enum: ['error', 'null'], default: 'error' },
    'What a row that the signature refuses leads to: an error for all, or null in its place.',
  ),
];

/** What changes the reading of a CSV. */
export const headerParameter: Json = query(
  'header',
  { type: 'boolean', default: true },
  'Of a CSV: whether its first line has the names of the columns.',
);
