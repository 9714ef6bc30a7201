import { writeErrorMember } from '../../dialects/errorSentence.ts';
import { writeV1Models, writeV1State } from '../../dialects/v1.ts';
import { Problem } from '../../errors/problem.ts';
import type { AppContext, Handler } from '../context.ts';
import type { Catalogue } from '../../model/catalogue.ts';
import type { Model } from '../../model/model.ts';
import { answerJson } from '../answer.ts';
import type { DefineRoute, Methods } from '../router.ts';
import { findModel } from '../modelOf.ts';

/** The end of a path that names a call. */
const PREDICT = ':predict';

/**
 * The methods of a path whose last segment may end in `:predict`. With two patterns for it Hono would leave its fastest
 * router, for all routes.
 */
function targetMethods(get: Handler, predict: Handler): Methods {
  const isCall = (c: AppContext): boolean => c.req.param('target')?.endsWith(PREDICT) ?? false;
  const refuse = (allow: string): never => {
    throw new Problem('method_not_allowed', { headers: { allow } });
  };
  return {
    GET: (c) => (isCall(c) ? refuse('POST') : get(c)),
    POST: (c) => (isCall(c) ? predict(c) : refuse('GET, HEAD')),
  };
}

function modelOfTarget(c: AppContext, catalogue: Catalogue): Model {
  const target = (c.req.param('target') ?? '').replace(/:predict$/, '');
  const name = c.req.param('model');
  return name === undefined ? findModel(c, catalogue, target) : findModel(c, catalogue, name, target);
}

/** Adds the V1 protocol, which KServe and TensorFlow Serving share. */
export function defineV1(
  defineRoute: DefineRoute,
  catalogue: Catalogue,
  answerInstances: (c: AppContext, model: Model) => Promise<Response>,
): void {
  const predict: Handler = (c) => answerInstances(c, modelOfTarget(c, catalogue));
  const model: Handler = (c) => {
    const { name } = modelOfTarget(c, catalogue);
    const versions = catalogue.models.filter((other) => other.name === name);
    return answerJson(
      c,
      writeV1State(
        name,
        versions.map((other) => other.version),
      ),
    );
  };
  const version: Handler = (c) => {
    const found = modelOfTarget(c, catalogue);
    return answerJson(c, writeV1State(found.name, [found.version]));
  };
  defineRoute('/v1/models', { GET: (c) => answerJson(c, writeV1Models(catalogue.models)) }, writeErrorMember);
  defineRoute('/v1/models/:target', targetMethods(model, predict), writeErrorMember);
  defineRoute('/v1/models/:model/versions/:target', targetMethods(version, predict), writeErrorMember);
}
