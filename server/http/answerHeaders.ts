import type { Model } from '../model/model.ts';
import type { Prediction } from '../prediction/predictor.ts';
import { explainTiming, timings } from '../prediction/timings.ts';
import type { AppContext } from './context.ts';

/** Sets the model of a request: from here on its answer names the version, whether it succeeds or not. */
export function rememberModel(c: AppContext, model: Model): Model {
  c.set('model', model);
  return model;
}

/** The headers of every answer, of a page and an error too. */
export function answerHeaders(c: AppContext): Record<string, string> {
  const model = c.get('model');
  const requestId = c.get('request').id;
  return model ? { 'x-request-id': requestId, 'x-model': model.id } : { 'x-request-id': requestId };
}

/** The headers of an answer with predictions. */
export const predictionHeaders = (
  requestId: string,
  prediction: Prediction,
  type = 'application/json',
): Record<string, string> => ({
  'content-type': type,
  'x-request-id': requestId,
  'x-model': prediction.model.id,
  'server-timing': timings(prediction),
});

/** The headers of an answer with explanations. */
export const explainedHeaders = (
  requestId: string,
  prediction: Prediction,
  seconds: number,
  type?: string,
): Record<string, string> => ({
  ...predictionHeaders(requestId, prediction, type),
  'server-timing': `${timings(prediction)}, ${explainTiming(seconds)}`,
});
