import { FILE_PARAMETERS, PREDICT_PARAMETERS } from '../dialects/queryParameters.ts';
import type { Catalogue } from '../model/catalogue.ts';
import { explanationOf } from '../model/explanation.ts';
import type { Model } from '../model/model.ts';
import type { AnswerForm } from '../model/routeOwner.ts';
import { answerForm, customPaths } from '../model/routeOwner.ts';
import { LINES_REMARK, predictionsExample } from './answers.ts';
import { columnSchema } from './columns.ts';
import { headers } from './headers.ts';
import type { Json } from './json.ts';
import { content, ref } from './json.ts';
import type { NameOf } from './names.ts';
import type { Operation } from './operation.ts';
import { customProblems, predictCustom } from './customRoutes.ts';
import { queryParameters } from './parameters.ts';
import { problemResponses } from './problems.ts';
import { exampleForms, rowsBody } from './rows.ts';

const ONE_A_ROW = 'The predictions, one a row, in the order of the rows.';

const predicted = (name: string, model: Model): Json => ({
  description: ONE_A_ROW,
  headers: headers('x-model', 'server-timing'),
  content: content('application/json', ref(`${name}Predictions`), { example: predictionsExample(model) }),
});

const predict = (
  name: string,
  model: Model,
  operationId: string,
  summary: string,
  ...statuses: number[]
): Json => ({
  operationId,
  tags: ['predict'],
  summary,
  ...(model.signature.description === undefined ? {} : { description: model.signature.description }),
  parameters: queryParameters(PREDICT_PARAMETERS.native.post, model),
  requestBody: rowsBody(name, model),
  responses: {
    200: { ...predicted(name, model), description: `${ONE_A_ROW} ${LINES_REMARK}` },
    ...problemResponses(415, 422, ...statuses),
  },
});

/** `GET`: predicts the row in the query, or describes the call. A name of both is the column's. */
function predictOne(
  name: string,
  model: Model,
  operationId: string,
  form: AnswerForm,
  ...statuses: number[]
): Json {
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
  const options = queryParameters(PREDICT_PARAMETERS[form].get, model).filter((option) =>
    columns.every((column) => column.name !== option['name']),
  );
  return {
    operationId,
    tags: ['predict'],
    summary: 'Predict one row from the query; without one, describe how to call POST',
    parameters: [...columns, ...options],
    responses: {
      200: {
        description: 'The prediction, or how to call.',
        headers: headers('x-model'),
        content: content('application/json', {
          anyOf: [ref(form === 'custom' ? `${name}Own` : `${name}Predictions`), ref('Usage')],
        }),
      },
      ...(form === 'custom' ? customProblems(...statuses) : problemResponses(422, ...statuses)),
    },
  };
}

/** `POST /predict_file`: a CSV of any size within the limit. */
const predictFile = (
  name: string,
  model: Model,
  explained: boolean,
  operationId: string,
  ...statuses: number[]
): Json => ({
  operationId,
  tags: ['predict'],
  summary: 'Predict the rows of a CSV file; answers JSON or, by Accept, the CSV with the predictions added',
  parameters: queryParameters(explained ? FILE_PARAMETERS : PREDICT_PARAMETERS.native.post, model),
  requestBody: {
    required: true,
    content: {
      ...content('multipart/form-data', {
        type: 'object',
        required: ['file'],
        properties: { file: { type: 'string', format: 'binary', description: 'CSV in UTF-8.' } },
      }),
      ...content('text/csv', { type: 'string' }, { example: exampleForms(model).csv }),
    },
  },
  responses: {
    200: {
      ...predicted(name, model),
      content: {
        ...content('application/json', ref(`${name}Predictions`)),
        ...content('text/csv', { type: 'string' }),
      },
    },
    ...problemResponses(...(explained ? [409] : []), 415, 422, ...statuses),
  },
});

/** All operations of a model under one path. */
const atPath = (
  path: string,
  route: string,
  operations: { readonly get: Json; readonly post: Json; readonly file?: Json },
): Operation[] => [
  { method: 'post', route: `${route}/predict`, path: `${path}/predict`, description: operations.post },
  { method: 'get', route: `${route}/predict`, path: `${path}/predict`, description: operations.get },
  ...(operations.file
    ? [
        {
          method: 'post' as const,
          route: `${route}/predict_file`,
          path: `${path}/predict_file`,
          description: operations.file,
        },
      ]
    : []),
];

/** The operations that predict: with the default model, with each model by name, and at the paths of model.json. */
export function describePredict(
  catalogue: Catalogue,
  nameOf: NameOf,
  hasRoute: (route: string) => boolean,
): Operation[] {
  const { defaultModel, models } = catalogue;
  const isExplained = (model: Model): boolean => hasRoute('/explain') && !('reason' in explanationOf(model));
  const byName = models.flatMap((model): Operation[] => {
    const name = nameOf(model);
    const path = `/models/${encodeURIComponent(model.name)}`;
    const versioned = `${name}Version${model.version}`;
    const ofVersion = atPath(`${path}/versions/${model.version}`, '/models/:model/versions/:version', {
      post: predict(name, model, `predict${versioned}`, `Predict with ${model.id}`, 404),
      get: predictOne(name, model, `predictOne${versioned}`, 'native', 404),
    });
    if (catalogue.find(model.name) !== model) return ofVersion;
    const form = answerForm('/models/:model/predict', catalogue, model, hasRoute);
    const served = atPath(path, '/models/:model', {
      post: PREDICT[form](name, model, `predict${name}`, 404),
      get: predictOne(name, model, `predictOne${name}`, form, 404),
      file: predictFile(name, model, isExplained(model), `predictFile${name}`, 404),
    });
    return [...served, ...ofVersion, ...atCustomPaths(name, model, customPaths(catalogue, model, hasRoute))];
  });
  const name = nameOf(defaultModel);
  const form = answerForm('/predict', catalogue, defaultModel, hasRoute);
  const plain = atPath('', '', {
    post: PREDICT[form](name, defaultModel, 'predict'),
    get: predictOne(name, defaultModel, 'predictOne', form),
    file: predictFile(name, defaultModel, isExplained(defaultModel), 'predictFile'),
  });
  return [...plain, ...byName];
}

const predictNative = (name: string, model: Model, operationId: string, ...statuses: number[]): Json =>
  predict(name, model, operationId, `Predict with the model ${model.name}`, ...statuses);

const PREDICT: Readonly<Record<AnswerForm, typeof predictNative>> = {
  native: predictNative,
  custom: predictCustom,
};

/** At the paths of a model's model.json, which the app looks up for each request: it has no routes of them. */
const atCustomPaths = (name: string, model: Model, paths: readonly string[]): Operation[] =>
  paths
    .filter((path) => path !== '/predict')
    .map((path, index) => ({
      method: 'post',
      route: '/predict',
      path,
      description: PREDICT[model.signature.answer ? 'custom' : 'native'](
        name,
        model,
        `predictOwn${name}${index + 1}`,
        404,
      ),
    }));

/** The components of these operations that all models share. */
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
