import type { Catalogue } from '../model/catalogue.ts';
import type { Model } from '../model/model.ts';
import { headers } from './headers.ts';
import type { Json } from './json.ts';
import { content, ref } from './json.ts';
import { bodyParameters } from './parameters.ts';
import { problemsAs } from './problems.ts';
import { rowsBody } from './rows.ts';

/** What a signature may say of a form of its own: POST paths, and the one key of an answer. */
interface OwnForm {
  readonly task: 'classification' | 'regression';
  readonly routes?: readonly string[];
  readonly answer?: { readonly key: string };
}

const formOf = ({ signature }: Model): OwnForm => signature;

/** Parameters that an answer in the model's own form leaves room for. */
export const OWN_PARAMETERS = ['extra', 'header'];

/** A path that several models may name, and which the first of them has. */
const SHARED = '/prediction';

/** The model that a path of model.json leads to: the default one comes first; of several others, none has it. */
function ownerOf({ models, defaultModel, find }: Catalogue, path: string): Model | undefined {
  const owners = models.filter((model) => formOf(model).routes?.includes(path) && find(model.name) === model);
  if (owners.includes(defaultModel)) return defaultModel;
  return owners.length === 1 || path === SHARED ? owners[0] : undefined;
}

/** The paths of model.json at which a model answers: what the server itself has comes first, but for /predict. */
export const ownPaths = (
  catalogue: Catalogue,
  model: Model,
  hasRoute: (route: string) => boolean,
): string[] =>
  (formOf(model).routes ?? []).filter((path) =>
    path === '/predict'
      ? model === catalogue.defaultModel
      : !hasRoute(path) && ownerOf(catalogue, path) === model,
  );

/** Whether the model has a form of its own for answers. */
export const hasOwnForm = (model: Model): boolean => formOf(model).answer !== undefined;

/** Components of a model's own form: one value for one row, a list for a list of rows. */
export function ownSchemas(name: string, model: Model): Json {
  const { answer, task } = formOf(model);
  if (!answer) return {};
  const value: Json = task === 'classification' ? ref(`${name}Label`) : { type: ['number', 'null'] };
  return {
    [`${name}Own`]: {
      type: 'object',
      required: [answer.key],
      properties: { [answer.key]: { anyOf: [value, { type: 'array', items: value }] } },
    },
    OwnError: { type: 'object', required: ['error'], properties: { error: { type: 'string' } } },
  };
}

/** The errors of an operation in a model's own form. */
export const ownProblems = (...own: number[]): Json =>
  problemsAs('OwnError', 'One that was made before the model was known, by the proxy above all,', ...own);

/** A prediction that is answered in the model's own form, errors too. */
export const predictOwn = (name: string, model: Model, operationId: string, ...own: number[]): Json => ({
  operationId,
  tags: ['predict'],
  summary: `Predict with the model ${model.name}, in its own form`,
  parameters: bodyParameters(model).filter(({ name }) => OWN_PARAMETERS.includes(name as string)),
  requestBody: rowsBody(name, model),
  responses: {
    200: {
      description: 'One value for one row, a list for a list of rows.',
      headers: headers('x-model', 'server-timing'),
      content: content('application/json', ref(`${name}Own`)),
    },
    ...ownProblems(415, ...own),
  },
});
