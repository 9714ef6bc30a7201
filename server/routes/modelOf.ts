import { Problem } from '../errors.ts';
import type { Catalogue } from '../models/catalogue.ts';
import type { ModelOf } from './predict.ts';

/** How a version stands in a path: a positive integer, as in the repository. */
const VERSION = /^[1-9]\d{0,8}$/;

/** The model that the path names by `:model` and, if it has one, `:version`. */
export const namedModel =
  (catalogue: Catalogue): ModelOf =>
  (c) => {
    const version = c.req.param('version');
    const model =
      version === undefined
        ? catalogue.find(c.req.param('model') ?? '')
        : VERSION.test(version)
          ? catalogue.find(c.req.param('model') ?? '', Number(version))
          : undefined;
    if (!model) throw new Problem('model_not_found');
    return model;
  };
