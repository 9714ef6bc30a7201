import { MAX_LISTED } from '../errors/problem.ts';
import type { Model } from '../model/model.ts';
import type { Json } from './json.ts';
import { ref } from './json.ts';

const WARNING: Json = {
  type: 'object',
  required: ['row', 'column', 'code', 'message'],
  properties: {
    row: { type: 'integer', minimum: 0 },
    column: { type: 'string' },
    code: { type: 'string', enum: ['unknown_category', 'index_column'] },
    message: { type: 'string' },
  },
};

/** Components that the answers of all models share. */
export const ANSWER_SCHEMAS: Json = { Warning: WARNING };

const NOTES: Json = {
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

const ONE_A_ROW = 'One a row, in their order; null for a row left out by ?on_error=null.';

/** The schemas of a model's answers, as components by name: one prediction a row, in the order of the rows. */
export function answerSchemas(name: string, { output }: Model): Json {
  if (output.task === 'regression') {
    const predictions = { type: 'array', items: { type: ['number', 'null'] }, description: ONE_A_ROW };
    return {
      [`${name}Predictions`]: {
        type: 'object',
        required: ['predictions'],
        properties: { predictions, ...NOTES },
      },
    };
  }
  const { classes, floatClasses } = output;
  const number = floatClasses ? 'number' : 'integer';
  const types = [...new Set(classes.map((name) => (typeof name === 'number' ? number : typeof name)))];
  const label = ref(`${name}Label`);
  return {
    [`${name}Label`]: {
      type: types.length === 1 ? types[0] : types,
      enum: classes,
    },
    [`${name}Predictions`]: {
      type: 'object',
      required: ['predictions'],
      properties: {
        predictions: {
          type: 'array',
          items: { anyOf: [label, { type: 'null' }] },
          description: ONE_A_ROW,
        },
        probabilities: {
          type: 'array',
          items: { type: ['array', 'null'], items: { type: ['number', 'null'] } },
          description: 'With ?probabilities=true: of each class, in the order of `classes`.',
        },
        classes: { type: 'array', items: label },
        ...NOTES,
      },
    },
  };
}

/** An example of an answer to the example row. Its values are made up. */
export const predictionsExample = ({ output }: Model): Json => ({
  predictions: [output.task === 'regression' ? 0.5 : output.classes[0]],
});
