import { Problem } from '../errors/problem.ts';
import { rememberModel } from './answerHeaders.ts';
import type { AppContext } from './context.ts';
import type { Catalogue } from '../model/catalogue.ts';
import type { Model } from '../model/model.ts';

/** Finds the model that a request is for. @throws {Problem} model_not_found or not_ready */
export type ModelOf = (c: AppContext) => Model;

/** A version in a path: a positive integer, as in the repository. */
const VERSION = /^[1-9]\d{0,8}$/;

/** Whether a served version failed to open in this process alone: another one may answer. */
const isMissingHere = ({ versions }: Catalogue, name: string, version: string | undefined): boolean =>
  versions.some(
    (one) =>
      one.name === name &&
      one.served &&
      one.state === 'refused' &&
      (version === undefined || String(one.version) === version),
  );

/**
 * Finds the model that a path names, in the served version unless the path names another.
 *
 * @throws {Problem} model_not_found or not_ready
 */
export function findModel(c: AppContext, catalogue: Catalogue, name: string, version?: string): Model {
  const model =
    version === undefined
      ? catalogue.find(name)
      : VERSION.test(version)
        ? catalogue.find(name, Number(version))
        : undefined;
  if (!model) throw new Problem(isMissingHere(catalogue, name, version) ? 'not_ready' : 'model_not_found');
  return rememberModel(c, model);
}

/** For a route with `:model` and, if it has one, `:version`. */
export const findNamedModel =
  (catalogue: Catalogue): ModelOf =>
  (c) =>
    findModel(c, catalogue, c.req.param('model') ?? '', c.req.param('version'));

/** For a route that names no model. */
export const findDefaultModel =
  (catalogue: Catalogue): ModelOf =>
  (c) =>
    rememberModel(c, catalogue.defaultModel);
