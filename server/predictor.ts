import type { Table } from './dialects/dialect.ts';
import type { EncodeOptions, EncodedRows } from './encoding/encoder.ts';
import { Problem } from './errors.ts';
import type { Inference, Scores } from './inference.ts';
import type { HttpRecorder } from './metrics/http.ts';
import type { InferenceRecorder } from './metrics/inference.ts';
import type { AppContext } from './middleware/handler.ts';
import type { Model } from './models/model.ts';

/** A request of so many rows is worth watching for a caller that hangs up. */
const LONG_REQUEST_ROWS = 1024;

/** The answers to a request, with what an answer in any dialect needs beside them. */
export interface Prediction extends Scores {
  readonly model: Model;
  readonly rows: EncodedRows;
  readonly parseSeconds: number;
}

/** The one way from a decoded request to its answers, whatever the dialect. */
export interface Predictor {
  /**
   * @param decode body → rows; its time counts as parsing
   * @throws {Problem} what `decode` throws, invalid_columns, invalid_rows, and what inference throws
   */
  predict(c: AppContext, model: Model, decode: () => Table, options: EncodeOptions): Promise<Prediction>;
}

export interface PredictorDeps {
  readonly inference: Inference;
  readonly http: HttpRecorder;
  readonly recorder: InferenceRecorder;
}

export function createPredictor({ inference, http, recorder }: PredictorDeps): Predictor {
  const encode = (model: Model, decode: () => Table, options: EncodeOptions): EncodedRows => {
    try {
      const { columns, data } = decode();
      return model.encoder.encode(columns, data, options);
    } catch (error) {
      if (error instanceof Problem) recorder.invalid(model, error.extensions.errors ?? []);
      throw error;
    }
  };
  return {
    predict: async (c, model, decode, options) => {
      const start = performance.now();
      const rows = encode(model, decode, options);
      const parseSeconds = (performance.now() - start) / 1000;
      const requestId = c.get('requestId');
      const signal = rows.rows >= LONG_REQUEST_ROWS ? c.req.raw.signal : undefined;
      try {
        const scores = await inference.predict(model, rows, signal ? { requestId, signal } : { requestId });
        recorder.answered(model, rows, scores.answers);
        return { model, rows, parseSeconds, ...scores };
      } catch (error) {
        if (error instanceof Problem && error.status === 503) http.shed(error.code);
        throw error;
      }
    },
  };
}

const milliseconds = (seconds: number): string => (seconds * 1000).toFixed(3);

/** The headers of every answer that a model gave. */
export const predictionHeaders = ({
  model,
  parseSeconds,
  queueSeconds,
  runSeconds,
}: Prediction): Record<string, string> => ({
  'x-model': model.id,
  'server-timing': `parse;dur=${milliseconds(parseSeconds)}, queue;dur=${milliseconds(queueSeconds)}, run;dur=${milliseconds(runSeconds)}`,
});
