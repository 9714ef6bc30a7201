import { createLinesWriter } from '../../dialects/linesAnswer.ts';
import { createNativeWriter } from '../../dialects/native.ts';
import { PREDICT_PARAMETERS } from '../../dialects/queryParameters.ts';
import { perModel } from '../../model/perModel.ts';
import type { Model } from '../../model/model.ts';
import { answerJson, answerPrediction } from '../answer.ts';
import type { AppContext } from '../context.ts';
import { predictionAnswerType, requireJsonAnswer } from '../mediaTypes.ts';
import type { ModelOf } from '../modelOf.ts';
import { createParameterReader } from '../parameters.ts';
import { readQueryRow } from '../query.ts';
import type { Methods } from '../router.ts';
import type { PredictDeps } from './predictInput.ts';
import {
  decoderFor,
  hasQuery,
  readCounted,
  readNativeParameters,
  readRowQuery,
  requireProbabilities,
} from './predictInput.ts';
import { describeCall } from './usage.ts';

/** Predictions of any model in one form of answers. */
export interface PredictHandlers {
  /** Describes the call, or answers the row in the query. */
  get(c: AppContext, model: Model): Promise<Response> | Response;
  /** Answers the rows in the body. */
  post(c: AppContext, model: Model): Promise<Response>;
}

/** @param handlersOf the handlers of the form in which a model answers at this route */
export const predictRoute = (modelOf: ModelOf, handlersOf: (model: Model) => PredictHandlers): Methods => ({
  GET: (c) => {
    const model = modelOf(c);
    return handlersOf(model).get(c, model);
  },
  POST: (c) => {
    const model = modelOf(c);
    return handlersOf(model).post(c, model);
  },
});

const readGetParameters = createParameterReader(PREDICT_PARAMETERS.native.get);

/** Predictions in the native form. */
export function createNativeHandlers(deps: PredictDeps): PredictHandlers {
  const { predictor, port } = deps;
  const writerOf = perModel(createNativeWriter);
  const linesWriterOf = perModel(createLinesWriter);

  const getRow = async (c: AppContext, model: Model): Promise<Response> => {
    const { inputs } = model.signature;
    const { cells, options } = readRowQuery(c, inputs);
    const { probabilities, extra } = readGetParameters.of(options);
    const wanted = probabilities === 'true';
    if (wanted) requireProbabilities(model);
    const prediction = await predictor.predict(
      c.get('request'),
      model,
      () => ({ table: readQueryRow(cells, inputs) }),
      { ignoreExtra: extra === 'ignore' },
    );
    return answerPrediction(c, prediction, writerOf(model)(prediction.answers, prediction.rows, wanted));
  };

  return {
    get: (c, model) => {
      requireJsonAnswer(c);
      if (hasQuery(c)) return getRow(c, model);
      return answerJson(c, JSON.stringify(describeCall(model, port, c.req.path, 'native')));
    },
    post: async (c, model) => {
      const type = predictionAnswerType(c);
      const parameters = readNativeParameters(c);
      const { probabilities, extra, on_error } = parameters;
      const skipBadRows = on_error === 'null';
      const decode = decoderFor(c, parameters, skipBadRows);
      const wanted = probabilities === 'true';
      if (wanted) requireProbabilities(model);
      const body = await readCounted(c, deps);
      const prediction = await predictor.predict(c.get('request'), model, () => decode(body, model), {
        ignoreExtra: extra === 'ignore',
        skipBadRows,
      });
      const write = type === 'application/json' ? writerOf(model) : linesWriterOf(model);
      return answerPrediction(c, prediction, write(prediction.answers, prediction.rows, wanted), type);
    },
  };
}
