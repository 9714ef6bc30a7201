import { Problem } from '../errors.ts';
import type { Catalogue } from '../models/catalogue.ts';
import type { Model } from '../models/model.ts';
import type { ModelOf } from './predict.ts';

/** How a version stands in a path: a positive integer, as in the repository. */
const VERSION = /^[1-9]\d{0,8}$/;

/** A version that is served, and that this process alone couldn't open: another one may answer. */
const isLacking = ({ versions }: Catalogue, name: string, version: string | undefined): boolean =>
  versions.some(
    (one) =>
      one.name === name &&
      one.served &&
      one.state === 'refused' &&
      (version === undefined || String(one.version) === version),
  );

/** A model, of a version if a path names one. @throws {Problem} model_not_found or not_ready */
export function findModel(catalogue: Catalogue, name: string, version?: string): Model {
  const model =
    version === undefined
      ? catalogue.find(name)
      : VERSION.test(version)
        ? catalogue.find(name, Number(version))
        : undefined;
  if (!model) throw new Problem(isLacking(catalogue, name, version) ? 'not_ready' : 'model_not_found');
  return model;
}

/** The model that the path names by `:model` and, if it has one, `:version`. */
export const namedModel =
  (catalogue: Catalogue): ModelOf =>
  (c) =>
    findModel(catalogue, c.req.param('model') ?? '', c.req.param('version'));
