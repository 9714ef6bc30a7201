import { writeProblem } from '../../dialects/errorForm.ts';
import { writeOwnError } from '../../dialects/customAnswer.ts';
import { Problem } from '../../errors/problem.ts';
import { about } from '../answerHeaders.ts';
import type { Preflight } from '../middleware/cors.ts';
import type { AppContext, Handler } from '../context.ts';
import type { Serve } from '../middleware/serve.ts';
import type { Catalogue } from '../../model/catalogue.ts';
import { perModel } from '../../model/perModel.ts';
import type { Model } from '../../model/model.ts';
import type { PredictRoutes } from './predict.ts';

/** Always live for the model that names it: no route of the server will ever have it. */
const PREDICTION = '/prediction';

/** The paths that models name in `routes`. Models come and go, so they are looked up for each request. */
export interface OwnRoutes {
  /** What answers at a path that is no route of the server; undefined if no model has it either. */
  find(path: string): ((c: AppContext) => Promise<Response>) | undefined;
  /** Whether any path that the model names leads to it: else its own form is at /models/{name}/predict. */
  hasLive(model: Model): boolean;
}

/** @param isBuiltIn whether a path is one of the server's own */
export function createOwnRoutes(
  catalogue: Catalogue,
  predict: PredictRoutes,
  serve: Serve,
  isBuiltIn: (path: string) => boolean,
  preflight?: Preflight,
): OwnRoutes {
  /** The default model comes first; of several others that name one path, none has it. */
  const ownerOf = (path: string): Model | undefined => {
    const owners = catalogue.models.filter(
      (model) => model.signature.routes?.includes(path) && catalogue.find(model.name) === model,
    );
    return (
      owners.find((model) => model === catalogue.defaultModel) ??
      (owners.length === 1 || path === PREDICTION ? owners[0] : undefined)
    );
  };
  /** Labels of metrics are paths of model.json: never more than models have. */
  const servedOf = perModel((model) => {
    const predictOwn = predict.own((c) => about(c, model));
    const handler: Handler = (c) => {
      if (c.req.method === 'POST') return predictOwn(c);
      const answer = preflight?.(c, 'POST');
      if (answer) return answer;
      throw new Problem('method_not_allowed', { headers: { allow: 'POST' } });
    };
    const writeError = model.signature.answer ? writeOwnError : writeProblem;
    return new Map(model.signature.routes?.map((route) => [route, serve(route, writeError)(handler)]));
  });
  return {
    find: (path) => {
      const owner = ownerOf(path);
      return owner && servedOf(owner).get(path);
    },
    hasLive: (model) =>
      (model.signature.routes ?? []).some((path) =>
        path === '/predict' ? model === catalogue.defaultModel : !isBuiltIn(path) && ownerOf(path) === model,
      ),
  };
}
