import { MLFLOW_CODES } from '../dialects/mlflow.ts';
import { CSV_PARAMETERS } from '../dialects/queryParameters.ts';
import type { Catalogue } from '../model/catalogue.ts';
import { LINES_REMARK, predictionsExample } from './answers.ts';
import { headers } from './headers.ts';
import type { Json } from './json.ts';
import { content, ref } from './json.ts';
import type { NameOf } from './names.ts';
import type { Operation } from './operation.ts';
import { queryParameters } from './parameters.ts';
import { problemResponsesAs } from './problems.ts';
import { exampleForms } from './rows.ts';

/** Components of MLflow's protocol. */
export const MLFLOW_SCHEMAS: Json = {
  MlflowError: {
    type: 'object',
    required: ['error_code', 'message'],
    properties: { error_code: { type: 'string', enum: MLFLOW_CODES }, message: { type: 'string' } },
  },
};

const form = (key: string, schema: Json): Json => ({
  type: 'object',
  additionalProperties: false,
  required: [key],
  properties: { [key]: schema, params: { type: ['object', 'null'] } },
});

const cells: Json = { type: ['string', 'number', 'boolean', 'null'] };
const looseRow: Json = { type: 'object', additionalProperties: cells };

/** `POST /invocations`: MLflow's scoring protocol, and SageMaker's. Extra columns are ignored here. */
export function describeMlflow({ defaultModel }: Catalogue, nameOf: NameOf): Operation[] {
  const name = nameOf(defaultModel);
  const { split, record, columns, csv } = exampleForms(defaultModel);
  const frame: Json = {
    type: 'object',
    additionalProperties: false,
    required: ['columns', 'data'],
    properties: {
      columns: { type: 'array', items: { type: 'string' } },
      data: { type: 'array', items: { type: 'array', items: cells } },
      index: { type: 'array', items: {} },
    },
  };
  const rows: Json = { type: 'array', items: looseRow };
  const lists: Json = { type: 'array', items: { type: 'array', items: cells } };
  const bare: Json[] = defaultModel.signature.inputs.length === 1 ? [{ type: 'array', items: cells }] : [];
  const instances: Json = { anyOf: [rows, lists, ...bare] };
  const byColumn: Json = { type: 'object', additionalProperties: { type: 'array', items: cells } };
  return [
    {
      method: 'post',
      route: '/invocations',
      path: '/invocations',
      description: {
        operationId: 'invoke',
        tags: ['mlflow'],
        summary: "MLflow's scoring protocol",
        parameters: queryParameters(CSV_PARAMETERS, defaultModel),
        requestBody: {
          required: true,
          content: {
            'application/json': {
              schema: {
                anyOf: [
                  form('dataframe_split', frame),
                  form('dataframe_records', rows),
                  form('instances', instances),
                  form('inputs', { anyOf: [byColumn, instances] }),
                  frame,
                ],
              },
              examples: {
                dataframe_split: { value: { dataframe_split: split } },
                dataframe_records: { value: { dataframe_records: [record] } },
                instances: { value: { instances: [record] } },
                inputs: { value: { inputs: columns } },
                split: { summary: "MLflow 1.x's bare split form", value: split },
              },
            },
            'text/csv': { schema: { type: 'string' }, examples: { csv: { value: csv } } },
          },
        },
        responses: {
          200: {
            description: `The predictions, one a row. ${LINES_REMARK}`,
            headers: headers('x-model', 'server-timing'),
            content: content('application/json', ref(`${name}Predictions`), {
              example: predictionsExample(defaultModel),
            }),
          },
          ...problemResponsesAs('MlflowError', 'One of a request line that could not be read', 415),
        },
      },
    },
  ];
}
