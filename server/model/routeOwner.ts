import type { Catalogue } from './catalogue.ts';
import type { Model } from './model.ts';

/** A path that several models may name: the first of them has it. */
const SHARED_PATH = '/prediction';

/**
 * The model that a path of `routes` in model.json leads to: the default model if it names the path, else the only
 * model that does. A path that several others name leads to none of them.
 */
export function routeOwner({ models, defaultModel, find }: Catalogue, path: string): Model | undefined {
  const owners = models.filter(
    (model) => model.signature.routes?.includes(path) && find(model.name) === model,
  );
  if (owners.includes(defaultModel)) return defaultModel;
  return owners.length === 1 || path === SHARED_PATH ? owners[0] : undefined;
}

/** Whether a built-in route of the server is at a path. */
export type IsBuiltIn = (path: string) => boolean;

/** A built-in route comes before a path of model.json, but for `/predict`. */
const leadsTo = (catalogue: Catalogue, model: Model, path: string, isBuiltIn: IsBuiltIn): boolean =>
  path === '/predict'
    ? model === catalogue.defaultModel
    : !isBuiltIn(path) && routeOwner(catalogue, path) === model;

/** The paths of its model.json that lead to a model. */
export const customPaths = (catalogue: Catalogue, model: Model, isBuiltIn: IsBuiltIn): string[] =>
  (model.signature.routes ?? []).filter((path) => leadsTo(catalogue, model, path, isBuiltIn));

/** The built-in routes of predictions. */
export type PredictRoute = '/predict' | '/models/:model/predict' | '/models/:model/versions/:version/predict';

/** The form of a model's answers: the one that all models share, or the one that its model.json describes. */
export type AnswerForm = 'native' | 'custom';

/**
 * The form in which a model answers at a built-in route: the custom one at `/predict` if the model names that path, and
 * at `/models/:model/predict` if no path that it names leads to it.
 */
export function answerForm(
  route: PredictRoute,
  catalogue: Catalogue,
  model: Model,
  isBuiltIn: IsBuiltIn,
): AnswerForm {
  if (model.signature.answer === undefined) return 'native';
  const { routes = [] } = model.signature;
  switch (route) {
    case '/predict':
      return routes.includes('/predict') ? 'custom' : 'native';
    case '/models/:model/predict':
      return routes.some((path) => leadsTo(catalogue, model, path, isBuiltIn)) ? 'native' : 'custom';
    case '/models/:model/versions/:version/predict':
      return 'native';
  }
}
