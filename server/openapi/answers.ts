import type { OutputFeed, ScoresFeed, SeveralFeed } from '../../worker/protocol.ts';
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

const NUMBER: Json = { type: ['number', 'null'] };

/** A value; a list of them has one place each. */
export function severalPrediction({ values, form }: SeveralFeed): Json {
  const one = values.map(({ classes, integer }): Json =>
    classes ? { enum: classes } : integer ? { type: ['integer', 'null'] } : NUMBER,
  );
  if (form === 'single') return one[0] ?? {};
  const names = values.map(({ name }) => name).join(', ');
  const count = { minItems: values.length, maxItems: values.length };
  return form === 'vector'
    ? { type: 'array', items: NUMBER, ...count }
    : { type: 'array', prefixItems: one, items: false, ...count, description: `In this order: ${names}.` };
}

const SCORES: Readonly<Record<ScoresFeed['name'], string>> = {
  score: 'How far a row is from an outlier: the smaller, the more of one.',
  distances: 'To each cluster, in the order of their labels.',
  probabilities: 'With ?probabilities=true: of the second class of each value.',
};

function severalSchemas(name: string, output: SeveralFeed): Json {
  const orNull = (schema: Json): Json => ({ anyOf: [schema, { type: 'null' }] });
  const { scores } = output;
  const items = scores?.name === 'score' ? NUMBER : orNull({ type: 'array', items: NUMBER });
  return {
    [`${name}Prediction`]: severalPrediction(output),
    [`${name}Predictions`]: {
      type: 'object',
      required: ['predictions'],
      properties: {
        predictions: { type: 'array', items: orNull(ref(`${name}Prediction`)), description: ONE_A_ROW },
        ...(scores && { [scores.name]: { type: 'array', items, description: SCORES[scores.name] } }),
        ...NOTES,
      },
    },
  };
}

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
  if (output.task === 'several') return severalSchemas(name, output);
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

function exampleOf(output: OutputFeed): unknown {
  if (output.task === 'regression') return 0.5;
  if (output.task === 'classification') return output.classes[0];
  const values = output.values.map(({ classes, integer }) => (classes ? classes[0] : integer ? 1 : 0.5));
  return output.form === 'single' ? values[0] : values;
}

/** A remark in words: other types of content would be other types of bodies and answers for each generated client. */
export const LINES_REMARK =
  'A body may also be JSON Lines (application/jsonlines, application/x-ndjson), and so may an answer whose type Accept names: one object a row, with `prediction` and, where the row has some, `probabilities`, `warnings` and `errors`.';

/** An example of an answer to the example row. Its values are made up. */
export const predictionsExample = ({ output }: Model): Json => ({
  predictions: [exampleOf(output)],
});
