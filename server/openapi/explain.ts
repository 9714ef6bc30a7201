import { EXPLAIN_PARAMETERS } from '../dialects/queryParameters.ts';
import type { Catalogue } from '../model/catalogue.ts';
import type { Model } from '../model/model.ts';
import { EXPLANATION_METHODS, explanationOf } from '../model/explanation.ts';
import { headers } from './headers.ts';
import type { Json } from './json.ts';
import { content, ref } from './json.ts';
import type { NameOf } from './names.ts';
import type { Operation } from './operation.ts';
import { queryParameters } from './parameters.ts';
import { problemResponses } from './problems.ts';
import { rowsBody } from './rows.ts';

const parameter = (name: string, schema: Json, description: string): Json => ({
  name,
  in: 'query',
  required: false,
  schema,
  description,
});
const CLASS = parameter(
  'class',
  { type: 'string' },
  'Whose score is explained: a class, or `all`; that of the predicted class of each row unless given.',
);
const TOP = parameter(
  'top',
  { type: 'integer', minimum: 1 },
  'The largest contributions by size; the others are added up in `other`.',
);

/** `POST /explain`: what each column contributed to the answers. */
const explain = (name: string, model: Model, operationId: string, ...statuses: number[]): Json => ({
  operationId,
  tags: ['predict'],
  summary: 'Predict, and say what each column contributed to the predictions',
  parameters: [
    ...(model.output.task === 'classification' ? [CLASS] : []),
    TOP,
    ...queryParameters(EXPLAIN_PARAMETERS, model),
  ],
  requestBody: rowsBody(name, model),
  responses: {
    200: {
      description: 'The predictions and their explanations, one a row, in the order of the rows.',
      headers: headers('x-model', 'server-timing'),
      content: content('application/json', {
        allOf: [ref(`${name}Predictions`), ref('Explanations')],
      }),
    },
    ...problemResponses(409, 415, 422, ...statuses),
  },
});

/** The operations that explain: with the default model, with each model by name, and with each version that can be explained. */
export function describeExplain({ defaultModel, models, find }: Catalogue, nameOf: NameOf): Operation[] {
  const at = (path: string, route: string, description: Json): Operation => ({
    method: 'post',
    route: `${route}/explain`,
    path: `${path}/explain`,
    description,
  });
  const isExplained = (model: Model): boolean => !('reason' in explanationOf(model));
  const byName = models.filter(isExplained).flatMap((model) => {
    const name = nameOf(model);
    const path = `/models/${encodeURIComponent(model.name)}`;
    const ofVersion = at(
      `${path}/versions/${model.version}`,
      '/models/:model/versions/:version',
      explain(name, model, `explain${name}Version${model.version}`, 404),
    );
    if (find(model.name) !== model) return [ofVersion];
    return [at(path, '/models/:model', explain(name, model, `explain${name}`, 404)), ofVersion];
  });
  if (!isExplained(defaultModel)) return byName;
  return [at('', '', explain(nameOf(defaultModel), defaultModel, 'explain')), ...byName];
}

/** The components of these operations. */
export const EXPLAIN_SCHEMAS: Json = {
  Explanation: {
    type: 'object',
    description: '`base` and all contributions add up to `output`.',
    required: ['base', 'output', 'contributions'],
    properties: {
      class: {
        type: ['string', 'number', 'boolean'],
        description: 'Of a classifier: whose score is explained.',
      },
      base: {
        type: 'number',
        description: 'The mean score of the training rows, or of the background rows.',
      },
      output: { type: 'number', description: 'The score of the row.' },
      contributions: { type: 'object', additionalProperties: { type: 'number' }, description: 'By column.' },
      other: { type: 'number', description: 'With ?top: the sum of the other contributions.' },
      standardErrors: {
        type: 'object',
        additionalProperties: { type: 'number' },
        description:
          'With the method `permutation`: how far a contribution is from the one of all orders, by column.',
      },
    },
  },
  Explanations: {
    type: 'object',
    required: ['explanations', 'space', 'method'],
    properties: {
      explanations: {
        type: 'array',
        items: { anyOf: [ref('Explanation'), { type: 'array', items: ref('Explanation') }] },
        description: 'One a row; with ?class=all a list of one a class.',
      },
      space: {
        type: 'string',
        enum: ['probability', 'margin', 'value'],
        description:
          'What adds up: probabilities, scores before their logistic, softmax or exponential, or the predicted value.',
      },
      method: {
        type: 'string',
        enum: [...EXPLANATION_METHODS],
        description:
          'How contributions are computed: exactly, from the trees, the weights or the answers to all mixtures with background rows; or from a sample of these.',
      },
      samples: {
        type: 'integer',
        description:
          'With the method `exact` the sets of columns that the model answered for each row, with `permutation` the orders of the columns.',
      },
    },
  },
};
