import { MAX_LISTED } from '../errors.ts';
import type { Model } from '../models/model.ts';
import type { Json } from './json.ts';
import { ref } from './json.ts';

const WARNING: Json = {
  type: 'object',
  required: ['row', 'column', 'code', 'message'],
  properties: {
    row: { type: 'integer', minimum: 0 },
    column: { type: 'string' },
    code: { type: 'string', enum: ['unknown_category'] },
    message: { type: 'string' },
  },
};

/** Components that every model's answers share. */
export const ANSWER_SCHEMAS: Json = { Warning: WARNING };

const beside: Json = {
  warnings: { type: 'array', maxItems: MAX_LISTED, items: ref('Warning'), description: 'The first ones.' },
  warningsTotal: { type: 'integer', minimum: 1 },
  errors: {
    type: 'array',
    maxItems: MAX_LISTED,
    items: ref('CellError'),
    description: 'With ?on_error=null: why some rows have no prediction. The first ones.',
  },
  errorsTotal: { type: 'integer', minimum: 1 },
};

/** The type of some JSON values. */
const typeOf = (values: readonly unknown[]): string =>
  values.every((value) => typeof value === 'string') ? 'string' : 'integer';

/** The answer to a model's rows: one prediction a row, in their order. */
export function predictionsSchema({ output }: Model): Json {
  const order = 'One a row, in their order; null for a row left out by ?on_error=null.';
  if (output.task === 'regression') {
    return {
      type: 'object',
      required: ['predictions'],
      properties: {
        predictions: { type: 'array', items: { type: ['number', 'null'] }, description: order },
        ...beside,
      },
    };
  }
  const label: Json = { type: typeOf(output.classes), enum: output.classes };
  return {
    type: 'object',
    required: ['predictions'],
    properties: {
      predictions: {
        type: 'array',
        items: { type: [label['type'], 'null'], enum: [...output.classes, null] },
        description: order,
      },
      probabilities: {
        type: 'array',
        items: { type: ['array', 'null'], items: { type: ['number', 'null'] } },
        description: 'With ?probabilities=true: of each class, in the order of `classes`.',
      },
      classes: { type: 'array', items: label },
      ...beside,
    },
  };
}

/** A prediction that every client gets for the example row, whatever the model answers. */
export const predictionsExample = ({ output }: Model): Json => ({
  predictions: [output.task === 'regression' ? 0.5 : output.classes[0]],
});
