import type { AppContext } from '../context.ts';
import { prefersHtml } from '../accept.ts';
import type { Load } from '../../metrics/load.ts';
import type { Assets } from '../../web/assets.ts';
import { PAGE_HEADERS } from '../../web/policy.ts';
import { answerJson, answerText } from '../answer.ts';
import { REVALIDATE, answerCached } from '../cached.ts';
import { requireJsonAnswer } from '../mediaTypes.ts';
import type { Methods } from '../router.ts';

/** For caches: the answer depends on the Accept header. */
const VARY = { vary: 'accept' };
const HEADERS = { ...PAGE_HEADERS, ...VARY };
const TEXT = { 'content-type': 'text/plain; charset=utf-8', ...VARY };
const RUNNING = 'Service is running';
/** Media ranges that include text, the most specific first. */
const TEXT_RANGES = ['text/plain', 'text/*', '*/*'];

/** Whether a client gets the page, not the text. */
export const wantsPage = (accept: string | undefined): boolean => prefersHtml(accept, TEXT_RANGES);

/**
 * `GET /`: the playground for browsers, a line of text for everything else.
 *
 * @param assets undefined if the playground is off
 */
export function homeRoute(assets: Assets | undefined): Methods {
  const page = assets?.page('playground');
  if (!page) return { GET: (c) => answerText(c, RUNNING) };
  return {
    GET: (c: AppContext) =>
      wantsPage(c.req.header('accept'))
        ? answerCached(c, page, REVALIDATE, HEADERS)
        : new Response(RUNNING, { headers: { ...TEXT, 'x-request-id': c.get('request').id } }),
  };
}

/** `GET /stats`: rate and latency of the whole server, for the playground's live strip. */
export function statsRoute(readLoad: () => Load): Methods {
  return {
    GET: (c) => {
      requireJsonAnswer(c);
      return answerJson(c, JSON.stringify(readLoad()));
    },
  };
}
