import { createAnswerWriter, readTable } from '../dialects/native.ts';
import { Problem } from '../errors.ts';
import type { HttpRecorder } from '../metrics/http.ts';
import type { Catalogue } from '../models/catalogue.ts';
import { perModel } from '../models/catalogue.ts';
import type { Predictor } from '../predictor.ts';
import { answerJson, answerPrediction } from './answer.ts';
import { readText } from './body.ts';
import type { Methods } from './define.ts';
import { requireJsonAnswer, requireJsonBody } from './negotiation.ts';
import { createParameters } from './parameters.ts';
import { describeCall } from './usage.ts';

export interface PredictDeps {
  readonly catalogue: Catalogue;
  readonly predictor: Predictor;
  readonly http: HttpRecorder;
  readonly maxBodyBytes: number;
  readonly port: number;
}

const readParameters = createParameters({ probabilities: ['false', 'true'], extra: ['error', 'ignore'] });
const readNoParameters = createParameters({});

/** `GET` tells how to call, `POST` predicts. */
export function predictRoute({ catalogue, predictor, http, maxBodyBytes, port }: PredictDeps): Methods {
  const usageOf = perModel((model) => JSON.stringify(describeCall(model, port)));
  const writerOf = perModel(createAnswerWriter);

  return {
    GET: (c) => {
      requireJsonAnswer(c);
      readNoParameters(c);
      return answerJson(c, usageOf(catalogue.standard));
    },
    POST: async (c) => {
      requireJsonAnswer(c);
      requireJsonBody(c);
      const { probabilities, extra } = readParameters(c);
      const model = catalogue.standard;
      if (probabilities === 'true' && model.output.task === 'regression') {
        throw new Problem('invalid_parameter', {
          detail: 'This model predicts a value: there are no probabilities.',
        });
      }
      const text = await readText(c, maxBodyBytes);
      http.body(Buffer.byteLength(text));
      const prediction = await predictor.predict(c, model, () => readTable(text, model.signature.inputs), {
        ignoreExtra: extra === 'ignore',
      });
      const body = writerOf(model)(prediction.answers, prediction.rows, probabilities === 'true');
      return answerPrediction(c, prediction, body);
    },
  };
}
