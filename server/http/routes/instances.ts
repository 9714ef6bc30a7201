import { createPredictionsWriter } from '../../dialects/predictions.ts';
import { readV1 } from '../../dialects/v1.ts';
import type { HttpRecorder } from '../../metrics/http.ts';
import type { AppContext } from '../context.ts';
import { perModel } from '../../model/perModel.ts';
import type { Model } from '../../model/model.ts';
import type { Decoded, Predictor } from '../../prediction/predictor.ts';
import { answerPrediction } from '../answer.ts';
import { toText } from '../body.ts';
import { requireJsonBody } from '../mediaTypes.ts';
import { refuseParameters } from '../parameters.ts';
import { readCounted } from './predictInput.ts';

export interface InstancesDeps {
  readonly predictor: Predictor;
  readonly http: HttpRecorder;
  readonly maxBodyBytes: number;
}

/** Answers `{"instances": [...]}` with `{"predictions": [...]}`: the form that V1 and Vertex AI share. */
export function createInstancesAnswerer({
  predictor,
  http,
  maxBodyBytes,
}: InstancesDeps): (c: AppContext, model: Model) => Promise<Response> {
  const writerOf = perModel(createPredictionsWriter);
  return async (c, model) => {
    requireJsonBody(c);
    refuseParameters(c);
    const body = await readCounted(c, { http, maxBodyBytes });
    const prediction = await predictor.predict(
      c.get('request'),
      model,
      (): Decoded => model.encoder.readBytes?.(body, 'instances') ?? { table: readV1(toText(body), model) },
      {},
    );
    return answerPrediction(c, prediction, writerOf(model)(prediction.answers));
  };
}
