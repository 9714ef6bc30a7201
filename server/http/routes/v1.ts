import { writeErrorMember } from '../../dialects/errorSentence.ts';
import { writeV1Models, writeV1State } from '../../dialects/v1.ts';
import { Problem } from '../../errors/problem.ts';
import type { AppContext, Handler } from '../context.ts';
import type { Catalogue } from '../../model/catalogue.ts';
import type { Model } from '../../model/model.ts';
import { answerJson } from '../answer.ts';
import type { DefineRoute, Methods } from '../router.ts';
import { findModel } from '../modelOf.ts';
import type { AnswerInstances } from './instances.ts';

/** The calls of V1, by the end of their path. */
export type V1Calls = Readonly<Record<string, AnswerInstances>>;

/**
 * The methods of a path whose last segment may end in a call, such as `:predict`. With two patterns for it Hono would
 * leave its fastest router, for all routes.
 */
function targetMethods(get: Handler, callOf: (c: AppContext) => Handler | undefined): Methods {
  const refuse = (allow: string): never => {
    throw new Problem('method_not_allowed', { headers: { allow } });
  };
  return {
    GET: (c) => (callOf(c) ? refuse('POST') : get(c)),
    POST: (c) => (callOf(c) ?? (() => refuse('GET, HEAD')))(c),
  };
}

function findTarget(c: AppContext, catalogue: Catalogue, target: string): Model {
  const name = c.req.param('model');
  return name === undefined ? findModel(c, catalogue, target) : findModel(c, catalogue, name, target);
}

/** Adds the V1 protocol, which KServe and TensorFlow Serving share. */
export function defineV1(defineRoute: DefineRoute, catalogue: Catalogue, calls: V1Calls): void {
  const targetOf = (c: AppContext): string => c.req.param('target') ?? '';
  const modelOfTarget = (c: AppContext): Model => findTarget(c, catalogue, targetOf(c));
  const handlers = Object.entries(calls).map(([name, answer]) => {
    const end = `:${name}`;
    const handler: Handler = (c) => answer(c, findTarget(c, catalogue, targetOf(c).slice(0, -end.length)));
    return { end, handler };
  });
  const callOf = (c: AppContext): Handler | undefined => {
    const target = targetOf(c);
    return handlers.find(({ end }) => target.endsWith(end))?.handler;
  };
  const model: Handler = (c) => {
    const { name } = modelOfTarget(c);
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
    const found = modelOfTarget(c);
    return answerJson(c, writeV1State(found.name, [found.version]));
  };
  defineRoute('/v1/models', { GET: (c) => answerJson(c, writeV1Models(catalogue.models)) }, writeErrorMember);
  defineRoute('/v1/models/:target', targetMethods(model, callOf), writeErrorMember);
  defineRoute('/v1/models/:model/versions/:target', targetMethods(version, callOf), writeErrorMember);
}
