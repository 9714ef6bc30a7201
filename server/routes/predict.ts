import { createAnswerWriter, readTable } from '../dialects/native.ts';
import { Problem } from '../errors.ts';
import type { Inference } from '../inference.ts';
import type { HttpRecorder } from '../metrics/http.ts';
import type { InferenceRecorder } from '../metrics/inference.ts';
import type { AppContext } from '../middleware/handler.ts';
import type { EncodeOptions, EncodedRows } from '../encoding/encoder.ts';
import type { Model } from '../models/model.ts';
import { answerJson } from './answer.ts';
import { readText } from './body.ts';
import type { Methods } from './define.ts';
import { requireJsonAnswer, requireJsonBody } from './negotiation.ts';
import { createParameters } from './parameters.ts';
import { describeCall } from './usage.ts';

/** A request of so many rows is worth watching for a caller that hangs up. */
const LONG_REQUEST_ROWS = 1024;

export interface PredictDeps {
  readonly model: Model;
  readonly inference: Inference;
  readonly http: HttpRecorder;
  readonly recorder: InferenceRecorder;
  readonly maxBodyBytes: number;
  readonly port: number;
}

const readParameters = createParameters({ probabilities: ['false', 'true'], extra: ['error', 'ignore'] });
const readNoParameters = createParameters({});

const milliseconds = (seconds: number): string => (seconds * 1000).toFixed(3);

/** `GET` tells how to call, `POST` predicts. */
export function predictRoute({ model, inference, http, recorder, maxBodyBytes, port }: PredictDeps): Methods {
  const usage = JSON.stringify(describeCall(model, port));
  const write = createAnswerWriter(model);

  const encode = (text: string, options: EncodeOptions): EncodedRows => {
    try {
      const { columns, data } = readTable(text);
      return model.encoder.encode(columns, data, options);
    } catch (error) {
      if (error instanceof Problem) recorder.invalid(model, error.extensions.errors ?? []);
      throw error;
    }
  };
  const score = async (c: AppContext, rows: EncodedRows) => {
    const requestId = c.get('requestId');
    const signal = rows.rows >= LONG_REQUEST_ROWS ? c.req.raw.signal : undefined;
    try {
      return await inference.predict(model, rows, signal ? { requestId, signal } : { requestId });
    } catch (error) {
      if (error instanceof Problem && error.status === 503) http.shed(error.code);
      throw error;
    }
  };

  return {
    GET: (c) => {
      requireJsonAnswer(c);
      readNoParameters(c);
      return answerJson(c, usage);
    },
    POST: async (c) => {
      requireJsonAnswer(c);
      requireJsonBody(c);
      const { probabilities, extra } = readParameters(c);
      if (probabilities === 'true' && model.output.task === 'regression') {
        throw new Problem('invalid_parameter', {
          detail: 'This model predicts a value: there are no probabilities.',
        });
      }
      const text = await readText(c, maxBodyBytes);
      const start = performance.now();
      http.body(Buffer.byteLength(text));
      const rows = encode(text, { ignoreExtra: extra === 'ignore' });
      const parse = (performance.now() - start) / 1000;
      const { answers, queueSeconds, runSeconds } = await score(c, rows);
      recorder.answered(model, rows, answers);
      return answerJson(c, write(answers, rows, probabilities === 'true'), {
        'x-model': model.id,
        'server-timing': `parse;dur=${milliseconds(parse)}, queue;dur=${milliseconds(queueSeconds)}, run;dur=${milliseconds(runSeconds)}`,
      });
    },
  };
}
