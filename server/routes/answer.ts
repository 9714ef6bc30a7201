import type { AppContext } from '../middleware/handler.ts';
import type { Prediction } from '../predictor.ts';
import { timings } from '../predictor.ts';

// Headers are given as plain objects and all at once: the server writes such a response without ever making a Headers
// object.

const answer = (c: AppContext, type: string, body: string): Response =>
  new Response(body, { headers: { 'content-type': type, 'x-request-id': c.get('requestId') } });

export const answerText = (c: AppContext, text: string): Response =>
  answer(c, 'text/plain; charset=utf-8', text);

/** @param json already serialised */
export const answerJson = (c: AppContext, json: string): Response => answer(c, 'application/json', json);

/**
 * What a model answered, in any dialect.
 *
 * @param body already serialised
 */
export const answerPrediction = (
  c: AppContext,
  prediction: Prediction,
  body: string,
  type = 'application/json',
): Response =>
  new Response(body, {
    headers: {
      'content-type': type,
      'x-request-id': c.get('requestId'),
      'x-model': prediction.model.id,
      'server-timing': timings(prediction),
    },
  });
