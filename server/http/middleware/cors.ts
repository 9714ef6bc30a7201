import type { AppContext } from '../context.ts';
import { header } from '../header.ts';
import type { Serve } from './serve.ts';

/** Answers a browser's question whether a page of another origin may send a request; undefined if it's none. */
export type Preflight = (c: AppContext, methods: string) => Response | undefined;

export interface Cors {
  /** Lets pages of the accepted origins read every answer, errors too. */
  readonly share: (serve: Serve) => Serve;
  readonly preflight: Preflight;
}

/** What a page may read of an answer beside its body. */
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
  const everyone = accepted.has('*');

  /** The headers that let this origin in; none for a stranger, whose browser then refuses the answer. */
  const headersFor = (origin: string): Readonly<Record<string, string>> => {
    if (everyone) return { 'access-control-allow-origin': '*' };
    return accepted.has(origin)
      ? { 'access-control-allow-origin': origin, vary: 'origin' }
      : { vary: 'origin' };
  };
  return {
    share: (serve) => (route, writeError) => (handler) => {
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
