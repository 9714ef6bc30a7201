import type { ServerResponse } from 'node:http';
import { giveBack } from '../encoding/slab.ts';
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
 * Answers with a prediction, in the form of any protocol. Its matrix may not be read afterwards.
 *
 * @param body already serialised
 */
export const answerPrediction = (
  c: AppContext,
  prediction: Prediction,
  body: string,
  type?: string,
): Promise<Response> | Response => {
  giveBack(prediction.rows.cells);
  return sendText(c, body, predictionHeaders(c.get('request').id, prediction, type));
};

/** The same with the time that the explanations took. */
export const answerExplained = (
  c: AppContext,
  prediction: Prediction,
  { seconds }: Pick<Explained, 'seconds'>,
  body: string,
): Promise<Response> | Response =>
  sendText(c, body, explainedHeaders(c.get('request').id, prediction, seconds));

/** Parts of Node's own response that its types don't have. */
interface Head {
  readonly _header?: unknown;
  _headerSent?: unknown;
}

/**
 * Ends a response whose head is set. Node's `end` writes the body, then nothing once more, in one `writev`, which takes
 * longer than this one string. The client gets the same bytes.
 */
export function endAtOnce(outgoing: ServerResponse, body: string | Buffer): void {
  const { socket } = outgoing;
  const head = outgoing as Head;
  if (
    typeof body === 'string' &&
    socket !== null &&
    typeof head._header === 'string' &&
    head._headerSent === false
  ) {
    socket.write(head._header + body);
    head._headerSent = true;
    outgoing.end();
  } else outgoing.end(body);
}
