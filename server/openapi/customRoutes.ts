import { PREDICT_PARAMETERS } from '../dialects/queryParameters.ts';
import type { Model } from '../model/model.ts';
import { headers } from './headers.ts';
import type { Json } from './json.ts';
import { content, ref } from './json.ts';
import { queryParameters } from './parameters.ts';
import { problemResponsesAs } from './problems.ts';
import { rowsBody } from './rows.ts';

/** Components of a model's custom form: one value for one row, a list for a list of rows. */
export function customSchemas(name: string, { signature: { answer }, output }: Model): Json {
  if (!answer) return {};
  const value: Json =
    output.task === 'regression'
      ? { type: ['number', 'null'] }
      : ref(output.task === 'several' ? `${name}Prediction` : `${name}Label`);
  return {
    [`${name}Own`]: {
      type: 'object',
      required: [answer.key],
      properties: { [answer.key]: { anyOf: [value, { type: 'array', items: value }] } },
    },
    OwnError: { type: 'object', required: ['error'], properties: { error: { type: 'string' } } },
  };
}

/** The errors of an operation in a model's custom form. */
export const customProblems = (...statuses: number[]): Json =>
  problemResponsesAs(
    'OwnError',
    'One that was made before the model was known, by the proxy above all,',
    ...statuses,
  );

/** A prediction that is answered in the model's custom form, errors too. */
export const predictCustom = (
  name: string,
  model: Model,
  operationId: string,
  ...statuses: number[]
): Json => ({
  operationId,
  tags: ['predict'],
  summary: `Predict with the model ${model.name}, in its custom form`,
  parameters: queryParameters(PREDICT_PARAMETERS.custom.post, model),
  requestBody: rowsBody(name, model),
  responses: {
    200: {
      description: 'One value for one row, a list for a list of rows.',
      headers: headers('x-model', 'server-timing'),
      content: content('application/json', ref(`${name}Own`)),
    },
    ...customProblems(415, ...statuses),
  },
});
