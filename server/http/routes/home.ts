import type { AppContext } from '../context.ts';
import { readWeights } from '../accept.ts';
import type { Assets } from '../../web/assets.ts';
import { PAGE_HEADERS } from '../../web/policy.ts';
import { answerText } from '../answer.ts';
import { REVALIDATE, answerCached } from '../cached.ts';
import type { Methods } from '../router.ts';

/** What a cache must know: the answer depends on what the client takes. */
const VARY = { vary: 'accept' };
const HEADERS = { ...PAGE_HEADERS, ...VARY };
const TEXT = { 'content-type': 'text/plain; charset=utf-8', ...VARY };
const RUNNING = 'Service is running';
/** Media ranges that include the text, the most specific first. */
const TEXT_RANGES = ['text/plain', 'text/*', '*/*'];

/** Whether a client names HTML, and takes it no less gladly than text. A browser does; curl and probes take anything. */
export function prefersHtml(accept: string | undefined): boolean {
  if (accept === undefined || !/text\/html/i.test(accept)) return false;
  const weights = readWeights(accept);
  const html = weights.get('text/html') ?? 0;
  const text = TEXT_RANGES.map((range) => weights.get(range)).find((weight) => weight !== undefined) ?? 0;
  return html > 0 && html >= text;
}

/**
 * `GET /`: the playground for browsers, a line of text for everything else.
 *
 * @param assets none where there is no playground
 */
export function homeRoute(assets: Assets | undefined): Methods {
  const page = assets?.page('playground');
  if (!page) return { GET: (c) => answerText(c, RUNNING) };
  return {
    GET: (c: AppContext) =>
      prefersHtml(c.req.header('accept'))
        ? answerCached(c, page, REVALIDATE, HEADERS)
        : new Response(RUNNING, { headers: { ...TEXT, 'x-request-id': c.get('request').id } }),
  };
}
