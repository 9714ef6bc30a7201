import type { AppContext } from '../middleware/handler.ts';

type Headers = Readonly<Record<string, string>>;

/**
 * A 200 answer. Headers are given as a plain object and all at once: the server writes such a response without
 * ever making a Headers object.
 */
function answer(c: AppContext, type: string, body: string, headers?: Headers): Response {
  return new Response(body, {
    headers: { 'content-type': type, 'x-request-id': c.get('requestId'), ...headers },
  });
}

export const answerText = (c: AppContext, text: string): Response =>
  answer(c, 'text/plain; charset=utf-8', text);

/** @param json already serialised */
export const answerJson = (c: AppContext, json: string, headers?: Headers): Response =>
  answer(c, 'application/json', json, headers);
