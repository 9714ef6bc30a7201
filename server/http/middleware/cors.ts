import type { AppContext } from '../context.ts';
import { header } from '../header.ts';
import type { Serve } from './serve.ts';

/** Answers the preflight of a browser for a page of another origin; undefined if the request is none. */
export type Preflight = (c: AppContext, methods: string) => Response | undefined;

export interface Cors {
  /** Adds the headers by which pages of the accepted origins may read an answer, errors too. */
  readonly wrapServe: (serve: Serve) => Serve;
  readonly preflight: Preflight;
}

/** The headers of an answer that a page may read. */
const EXPOSED = 'x-request-id, x-model, server-timing, retry-after, etag, inference-header-content-length';
/** The wildcard covers every header but this one. */
const ACCEPTED_HEADERS = '*, authorization';
const PREFLIGHT_SECONDS = '600';

/**
 * Cross-origin requests from browsers, without credentials: the server has no cookies.
 *
 * @param origins exact origins, or `*` alone
 */
export function createCors(origins: readonly string[]): Cors {
  const accepted = new Set(origins);
  const anyOrigin = accepted.has('*');

  /** Without `access-control-allow-origin` the browser keeps the answer from the page. */
  const headersFor = (origin: string): Readonly<Record<string, string>> => {
    if (anyOrigin) return { 'access-control-allow-origin': '*' };
    return accepted.has(origin)
      ? { 'access-control-allow-origin': origin, vary: 'origin' }
      : { vary: 'origin' };
  };
  return {
    wrapServe: (serve) => (route, writeError) => (handler) => {
      const answer = serve(route, writeError)(handler);
      const share = async (c: AppContext, origin: string): Promise<Response> => {
        const response = await answer(c);
        for (const [name, value] of Object.entries(headersFor(origin))) response.headers.append(name, value);
        response.headers.set('access-control-expose-headers', EXPOSED);
        return response;
      };
      return function cors(c) {
        const origin = header(c, 'origin');
        return origin === undefined ? answer(c) : share(c, origin);
      };
    },
    preflight: (c, methods) => {
      if (c.req.method !== 'OPTIONS') return undefined;
      if (!header(c, 'origin') || !header(c, 'access-control-request-method')) return undefined;
      return new Response(null, {
        status: 204,
        headers: {
          'access-control-allow-methods': methods,
          'access-control-allow-headers': ACCEPTED_HEADERS,
          'access-control-max-age': PREFLIGHT_SECONDS,
          'x-request-id': c.get('request').id,
        },
      });
    },
  };
}
