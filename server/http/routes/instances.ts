import type { Wanted } from '../../dialects/explanation.ts';
import { createExplanationWriter, methodMembers } from '../../dialects/explanation.ts';
import { createPredictionsWriter } from '../../dialects/predictions.ts';
import { readV1 } from '../../dialects/v1.ts';
import { createAttributionWriter } from '../../dialects/vertexExplanation.ts';
import type { Explained } from '../../inference/explanations.ts';
import type { HttpRecorder } from '../../metrics/http.ts';
import type { AppContext } from '../context.ts';
import { perModel } from '../../model/perModel.ts';
import type { Model } from '../../model/model.ts';
import type { Explainer } from '../../prediction/explainer.ts';
import type { Decoded, Predictor } from '../../prediction/predictor.ts';
import { answerExplained, answerPrediction } from '../answer.ts';
import { toText } from '../body.ts';
import { requireJsonBody } from '../mediaTypes.ts';
import type { ExplainParameters } from '../parameters.ts';
import { createExplainParameterReader, refuseParameters } from '../parameters.ts';
import { readCounted } from './predictInput.ts';

const readV1Parameters = createExplainParameterReader(['class', 'top'], {});
const readVertexParameters = createExplainParameterReader(['class'], {});

export interface InstancesDeps {
  readonly predictor: Predictor;
  readonly http: HttpRecorder;
  readonly maxBodyBytes: number;
}

const decodeInstances = (body: Buffer, model: Model): Decoded =>
  model.encoder.readBytes?.(body, 'instances') ?? { table: readV1(toText(body), model) };

/** Answers `{"instances": [...]}` for a model. */
export type AnswerInstances = (c: AppContext, model: Model) => Promise<Response>;

/** Answers `{"instances": [...]}` with `{"predictions": [...]}`: the form that V1 and Vertex AI share. */
export function createInstancesAnswerer({ predictor, http, maxBodyBytes }: InstancesDeps): AnswerInstances {
  const writerOf = perModel(createPredictionsWriter);
  return async (c, model) => {
    requireJsonBody(c);
    refuseParameters(c);
    const body = await readCounted(c, { http, maxBodyBytes });
    const prediction = await predictor.predict(
      c.get('request'),
      model,
      () => decodeInstances(body, model),
      {},
    );
    return answerPrediction(c, prediction, writerOf(model)(prediction.answers));
  };
}

/** The same with explanations, in KServe's form and in that of Vertex AI. */
export interface InstancesExplainers {
  readonly v1: AnswerInstances;
  readonly vertex: AnswerInstances;
}

export function createInstancesExplainers(
  { predictor, http, maxBodyBytes }: InstancesDeps,
  explainer: Explainer,
): InstancesExplainers {
  const predictionsOf = perModel(createPredictionsWriter);
  const explanationsOf = perModel(createExplanationWriter);
  const attributionsOf = perModel(createAttributionWriter);
  const answer = async (
    c: AppContext,
    model: Model,
    { wanted: wantedOf }: ExplainParameters<Record<never, never>>,
    write: (explained: Explained, answers: Float64Array, wanted: Wanted) => string,
  ): Promise<Response> => {
    requireJsonBody(c);
    explainer.requireExplainable(model);
    const wanted = wantedOf(model);
    const body = await readCounted(c, { http, maxBodyBytes });
    const request = c.get('request');
    const prediction = await predictor.predict(
      request,
      model,
      () => explainer.requireFewRows(model, decodeInstances(body, model)),
      {},
    );
    const { answers, rows } = prediction;
    const explained = await explainer.explain(request, model, rows);
    const predictions = predictionsOf(model)(answers).slice(0, -1);
    return answerExplained(c, prediction, explained, `${predictions},${write(explained, answers, wanted)}}`);
  };
  return {
    v1: (c, model) =>
      answer(c, model, readV1Parameters(c), (explained, answers, wanted) => {
        const written = explanationsOf(model)(explained, answers, wanted);
        return `"explanations":[${written}],${methodMembers(explained)}`;
      }),
    vertex: (c, model) =>
      answer(c, model, readVertexParameters(c), (explained, answers, { of }) => {
        const written = attributionsOf(model)(explained, answers, of);
        return `"explanations":[${written}]`;
      }),
  };
}
