import type { Catalogue } from '../models/catalogue.ts';
import type { Model } from '../models/model.ts';
import { predictionsExample } from './answers.ts';
import { columnSchema } from './columns.ts';
import { headers } from './headers.ts';
import type { Json } from './json.ts';
import { content, ref } from './json.ts';
import type { NameOf } from './names.ts';
import type { Operation } from './operation.ts';
import { headerParameter, predictionParameters } from './parameters.ts';
import { problems } from './problems.ts';
import { exampleForms, rowsBody } from './rows.ts';

const predicted = (name: string, model: Model): Json => ({
  description: 'The predictions, one a row, in the order of the rows.',
  headers: headers('x-model', 'server-timing'),
  content: content('application/json', ref(`${name}Predictions`), { example: predictionsExample(model) }),
});

const predict = (
  name: string,
  model: Model,
  operationId: string,
  summary: string,
  ...own: number[]
): Json => ({
  operationId,
  tags: ['predict'],
  summary,
  ...(model.signature.description === undefined ? {} : { description: model.signature.description }),
  parameters: [...predictionParameters(model), headerParameter],
  requestBody: rowsBody(name, model),
  responses: { 200: predicted(name, model), ...problems(415, 422, ...own) },
});

/** `GET /predict`: one row in the query, or how to call. */
function predictOne(name: string, model: Model): Json {
  const { record } = exampleForms(model);
  const columns = model.signature.inputs.map((input) => {
    const { description, ...schema } = columnSchema(input);
    return {
      name: input.name,
      in: 'query',
      required: false,
      schema,
      ...(description === undefined ? {} : { description }),
      example: record[input.name],
    };
  });
  return {
    operationId: 'predictOne',
    tags: ['predict'],
    summary: 'Predict one row from the query; without a column in it, tell how to call POST /predict',
    parameters: [...columns, ...predictionParameters(model)],
    responses: {
      200: {
        description: 'The prediction, or how to call.',
        headers: headers(),
        content: content('application/json', { anyOf: [ref(`${name}Predictions`), ref('Usage')] }),
      },
      ...problems(422),
    },
  };
}

/** `POST /predict_file`: a CSV of any size within the limit. */
const predictFile = (name: string, model: Model): Json => ({
  operationId: 'predictFile',
  tags: ['predict'],
  summary: 'Predict the rows of a CSV file; answers JSON or, by Accept, the CSV with the predictions added',
  parameters: [...predictionParameters(model), headerParameter],
  requestBody: {
    required: true,
    content: content('multipart/form-data', {
      type: 'object',
      required: ['file'],
      properties: { file: { type: 'string', format: 'binary', description: 'UTF-8, with commas.' } },
    }),
  },
  responses: {
    200: {
      ...predicted(name, model),
      content: {
        ...content('application/json', ref(`${name}Predictions`)),
        ...content('text/csv', { type: 'string' }),
      },
    },
    ...problems(415, 422),
  },
});

/** Operations that predict, of the default model and of each by its name. */
export function describePredict(catalogue: Catalogue, nameOf: NameOf): Operation[] {
  const { standard, models } = catalogue;
  const name = nameOf(standard);
  const byName = models.flatMap((model): Operation[] => {
    const own = nameOf(model);
    const path = `/models/${encodeURIComponent(model.name)}`;
    const served: Operation = {
      method: 'post',
      route: '/models/:model/predict',
      path: `${path}/predict`,
      description: predict(own, model, `predict${own}`, `Predict with the model ${model.name}`, 404),
    };
    const version: Operation = {
      method: 'post',
      route: '/models/:model/versions/:version/predict',
      path: `${path}/versions/${model.version}/predict`,
      description: predict(
        own,
        model,
        `predict${own}Version${model.version}`,
        `Predict with version ${model.version} of the model ${model.name}`,
        404,
      ),
    };
    return catalogue.find(model.name) === model ? [served, version] : [version];
  });
  return [
    {
      method: 'post',
      route: '/predict',
      path: '/predict',
      description: predict(name, standard, 'predict', 'Predict with the default model'),
    },
    { method: 'get', route: '/predict', path: '/predict', description: predictOne(name, standard) },
    {
      method: 'post',
      route: '/predict_file',
      path: '/predict_file',
      description: predictFile(name, standard),
    },
    ...byName,
  ];
}

/** Components of these operations that belong to no model. */
export const PREDICT_SCHEMAS: Json = {
  Usage: {
    type: 'object',
    description: 'How POST /predict is called, with an example.',
    required: ['model', 'method', 'path', 'contentType', 'example', 'curl', 'parameters'],
    properties: {
      model: { type: 'string' },
      method: { type: 'string' },
      path: { type: 'string' },
      contentType: { type: 'string' },
      example: { type: 'object' },
      curl: { type: 'string' },
      parameters: { type: 'object', additionalProperties: { type: 'string' } },
    },
  },
};
