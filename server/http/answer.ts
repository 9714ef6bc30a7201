import type { Explained } from '../inference/explanations.ts';
import { answerHeaders, explainedHeaders, predictionHeaders } from './answerHeaders.ts';
import type { AppContext } from './context.ts';
import { sendText } from './compress.ts';
import type { Prediction } from '../prediction/predictor.ts';

// Headers are passed as one plain object: the server then writes the response without making a Headers object.

const answer = (c: AppContext, type: string, body: string): Promise<Response> | Response =>
  sendText(c, body, { 'content-type': type, ...answerHeaders(c) });

export const answerText = (c: AppContext, text: string): Promise<Response> | Response =>
  answer(c, 'text/plain; charset=utf-8', text);

/** @param json already serialised */
export const answerJson = (c: AppContext, json: string): Promise<Response> | Response =>
  answer(c, 'application/json', json);

/**
 * Answers with a prediction, in the form of any protocol.
 *
 * @param body already serialised
 */
export const answerPrediction = (
  c: AppContext,
  prediction: Prediction,
  body: string,
  type?: string,
): Promise<Response> | Response =>
  sendText(c, body, predictionHeaders(c.get('request').id, prediction, type));

/** The same with the time that the explanations took. */
export const answerExplained = (
  c: AppContext,
  prediction: Prediction,
  { seconds }: Pick<Explained, 'seconds'>,
  body: string,
): Promise<Response> | Response =>
  sendText(c, body, explainedHeaders(c.get('request').id, prediction, seconds));
