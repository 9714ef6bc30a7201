import type { WriteCustomAnswer } from '../../dialects/customAnswer.ts';
import { createCustomWriter, writeCustomError } from '../../dialects/customAnswer.ts';
import { writeProblem } from '../../dialects/errorForm.ts';
import { PREDICT_PARAMETERS } from '../../dialects/queryParameters.ts';
import { Problem } from '../../errors/problem.ts';
import type { Catalogue } from '../../model/catalogue.ts';
import type { Model } from '../../model/model.ts';
import { perModel } from '../../model/perModel.ts';
import type { AnswerForm } from '../../model/routeOwner.ts';
import { routeOwner } from '../../model/routeOwner.ts';
import { answerJson, answerPrediction } from '../answer.ts';
import { rememberModel } from '../answerHeaders.ts';
import type { AppContext, Handler } from '../context.ts';
import { requireJsonAnswer } from '../mediaTypes.ts';
import type { Preflight } from '../middleware/cors.ts';
import type { Serve } from '../middleware/serve.ts';
import { createParameterReader } from '../parameters.ts';
import { readQueryRow } from '../query.ts';
import type { PredictHandlers } from './predict.ts';
import type { PredictDeps } from './predictInput.ts';
import { decoderFor, hasQuery, readCounted, readRowQuery } from './predictInput.ts';
import { describeCall } from './usage.ts';

const readGetParameters = createParameterReader(PREDICT_PARAMETERS.custom.get);
const readPostParameters = createParameterReader(PREDICT_PARAMETERS.custom.post);

/** Predictions in the form that `answer` of model.json describes, errors too: for models that have one. */
export function createCustomHandlers(deps: PredictDeps): PredictHandlers {
  const { predictor, port } = deps;
  const writerOf = perModel(createCustomWriter) as (model: Model) => WriteCustomAnswer;

  const getRow = async (c: AppContext, model: Model): Promise<Response> => {
    const { inputs } = model.signature;
    const { cells, options } = readRowQuery(c, inputs);
    const { extra } = readGetParameters.of(options);
    const prediction = await predictor.predict(
      c.get('request'),
      model,
      () => ({ table: readQueryRow(cells, inputs) }),
      { ignoreExtra: extra === 'ignore' },
    );
    return answerPrediction(c, prediction, writerOf(model)(prediction.answers, prediction.rows, true));
  };

  return {
    get: (c, model) => {
      c.set('writeError', writeCustomError);
      requireJsonAnswer(c);
      if (hasQuery(c)) return getRow(c, model);
      return answerJson(c, JSON.stringify(describeCall(model, port, c.req.path, 'custom')));
    },
    post: async (c, model) => {
      c.set('writeError', writeCustomError);
      requireJsonAnswer(c);
      const parameters = readPostParameters(c);
      const decode = decoderFor(c, parameters);
      const body = await readCounted(c, deps);
      const prediction = await predictor.predict(c.get('request'), model, () => decode(body, model), {
        ignoreExtra: parameters.extra === 'ignore',
      });
      const { answers, rows, decoded } = prediction;
      return answerPrediction(c, prediction, writerOf(model)(answers, rows, decoded.single));
    },
  };
}

/**
 * Finds what answers at a path of model.json; undefined where it leads to no model. Models come and go, so the path is
 * looked up for each request.
 */
export type FindCustomRoute = (path: string) => ((c: AppContext) => Promise<Response>) | undefined;

/** @param preflight answers OPTIONS for browsers, where CORS is on */
export function createCustomRoutes(
  catalogue: Catalogue,
  forms: Readonly<Record<AnswerForm, PredictHandlers>>,
  serve: Serve,
  preflight?: Preflight,
): FindCustomRoute {
  /** Labels of metrics are paths of model.json: never more than models have. */
  const routesOf = perModel((model) => {
    const custom = model.signature.answer !== undefined;
    const { post } = forms[custom ? 'custom' : 'native'];
    const handler: Handler = (c) => {
      if (c.req.method === 'POST') return post(c, rememberModel(c, model));
      const answer = preflight?.(c, 'POST');
      if (answer) return answer;
      throw new Problem('method_not_allowed', { headers: { allow: 'POST' } });
    };
    const writeError = custom ? writeCustomError : writeProblem;
    return new Map(model.signature.routes?.map((route) => [route, serve(route, writeError)(handler)]));
  });
  return (path) => {
    const owner = routeOwner(catalogue, path);
    return owner && routesOf(owner).get(path);
  };
}
