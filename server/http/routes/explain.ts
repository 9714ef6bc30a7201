import { createExplanationWriter, readWanted } from '../../dialects/explanation.ts';
import { createNativeWriter } from '../../dialects/native.ts';
import { EXPLAIN_PARAMETERS } from '../../dialects/queryParameters.ts';
import { Problem } from '../../errors/problem.ts';
import type { Explained, Explanations } from '../../inference/explanations.ts';
import { notExplainable, tooManyRows } from '../../inference/explanations.ts';
import type { HttpRecorder } from '../../metrics/http.ts';
import type { Model } from '../../model/model.ts';
import { perModel } from '../../model/perModel.ts';
import type { EncodedRows } from '../../model/rows.ts';
import type { PredictRequest } from '../../prediction/request.ts';
import { explainTiming, timings } from '../../prediction/timings.ts';
import { predictionHeaders } from '../answerHeaders.ts';
import { sendText } from '../compress.ts';
import { requireJsonAnswer } from '../mediaTypes.ts';
import type { ModelOf } from '../modelOf.ts';
import { createParameterReader } from '../parameters.ts';
import type { Pairs } from '../query.ts';
import { readPairs } from '../query.ts';
import type { Methods } from '../router.ts';
import type { PredictDeps } from './predictInput.ts';
import { decoderFor, readCounted } from './predictInput.ts';

export interface ExplainDeps extends PredictDeps {
  readonly explanations: Explanations;
}

/** Parameters whose values depend on the model. */
const OPEN = ['class', 'top'] as const;
const readOthers = createParameterReader(EXPLAIN_PARAMETERS, OPEN);

/** The value of a parameter that may be given once. @throws {Problem} invalid_parameter */
function valueOf(pairs: Pairs, name: (typeof OPEN)[number]): string | undefined {
  const values = pairs.filter(([given]) => given === name);
  if (values.length > 1)
    throw new Problem('invalid_parameter', { detail: `The query parameter ${name} is given twice.` });
  return values[0]?.[1];
}

/** @throws {Problem} not_explainable */
function requireExplainable(model: Model, explanations: Explanations): void {
  const explanation = explanations.describe(model);
  if ('reason' in explanation) throw notExplainable(explanation.reason);
}

/** Explains rows, and counts those that are refused for their number. */
async function explainCounted(
  { explanations, http }: Pick<ExplainDeps, 'explanations'> & { readonly http: HttpRecorder },
  request: PredictRequest,
  model: Model,
  rows: EncodedRows,
): Promise<Explained> {
  try {
    return await explanations.explain(model, rows, { requestId: request.id, signal: request.signal() });
  } catch (error) {
    if (error instanceof Problem && error.code === 'overloaded') http.shed('explanations');
    throw error;
  }
}

/** `POST /explain`: predictions, and what each column contributed to them. */
export function explainRoute(deps: ExplainDeps, modelOf: ModelOf): Methods {
  const { predictor, explanations } = deps;
  const writerOf = perModel(createExplanationWriter);
  const predictionsOf = perModel(createNativeWriter);
  return {
    POST: async (c) => {
      const model = modelOf(c);
      requireJsonAnswer(c);
      const pairs = readPairs(c);
      const isOpen = ([name]: readonly [string, string]): boolean => OPEN.some((open) => open === name);
      const parameters = readOthers.of(pairs.filter((pair) => !isOpen(pair)));
      requireExplainable(model, explanations);
      const wanted = readWanted(model, { class: valueOf(pairs, 'class'), top: valueOf(pairs, 'top') });
      const decode = decoderFor(c, parameters);
      const body = await readCounted(c, deps);
      const request = c.get('request');
      const prediction = await predictor.predict(
        request,
        model,
        () => {
          const decoded = decode(body, model);
          const most = explanations.mostRows(model);
          if ((decoded.encoded?.rows ?? decoded.table.data.length) > most) throw tooManyRows(most);
          return decoded;
        },
        { ignoreExtra: parameters.extra === 'ignore' },
      );
      const { answers, rows } = prediction;
      const explained = await explainCounted(deps, request, model, rows);
      const written = writerOf(model)(explained.packed, explained, answers, wanted);
      const { method, samples, packed } = explained;
      const how = samples === undefined ? '' : `,"samples":${samples}`;
      const predictions = predictionsOf(model)(answers, rows, false);
      return sendText(
        c,
        `${predictions.slice(0, -1)},"explanations":[${written}],"space":"${packed.space}","method":"${method}"${how}}`,
        {
          ...predictionHeaders(request.id, prediction),
          'server-timing': `${timings(prediction)}, ${explainTiming(explained.seconds)}`,
        },
      );
    },
  };
}
