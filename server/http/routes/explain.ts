import { createExplanationWriter, methodMembers } from '../../dialects/explanation.ts';
import { createNativeWriter } from '../../dialects/native.ts';
import { EXPLAIN_PARAMETERS } from '../../dialects/queryParameters.ts';
import { perModel } from '../../model/perModel.ts';
import type { Explainer } from '../../prediction/explainer.ts';
import { answerExplained } from '../answer.ts';
import { createExplainParameterReader } from '../parameters.ts';
import { requireJsonAnswer } from '../mediaTypes.ts';
import type { ModelOf } from '../modelOf.ts';
import type { Methods } from '../router.ts';
import type { PredictDeps } from './predictInput.ts';
import { decoderFor, readCounted, requireProbabilities } from './predictInput.ts';

export interface ExplainDeps extends PredictDeps {
  readonly explainer: Explainer;
}

const readParameters = createExplainParameterReader(['class', 'top'], EXPLAIN_PARAMETERS);

/** `POST /explain`: predictions, and what each column contributed to them. */
export function explainRoute(deps: ExplainDeps, modelOf: ModelOf): Methods {
  const { predictor, explainer } = deps;
  const writerOf = perModel(createExplanationWriter);
  const predictionsOf = perModel(createNativeWriter);
  return {
    POST: async (c) => {
      const model = modelOf(c);
      requireJsonAnswer(c);
      const { values, wanted: wantedOf } = readParameters(c);
      explainer.requireExplainable(model);
      const wanted = wantedOf(model);
      const probabilities = values.probabilities === 'true';
      if (probabilities) requireProbabilities(model);
      const decode = decoderFor(c, values);
      const body = await readCounted(c, deps);
      const request = c.get('request');
      const prediction = await predictor.predict(
        request,
        model,
        () => explainer.requireFewRows(model, decode(body, model)),
        { ignoreExtra: values.extra === 'ignore' },
      );
      const { answers, rows } = prediction;
      const explained = await explainer.explain(request, model, rows);
      const written = writerOf(model)(explained, answers, wanted);
      const predictions = predictionsOf(model)(answers, rows, probabilities);
      const text = `${predictions.slice(0, -1)},"explanations":[${written}],${methodMembers(explained)}}`;
      return answerExplained(c, prediction, explained, text);
    },
  };
}
