import type { AppContext } from '../middleware/handler.ts';
import { header } from '../middleware/header.ts';
import type { Asset } from '../web/assets.ts';

/** Must be asked for anew each time; the answer may be 304. */
export const REVALIDATE = 'no-cache';
/** Never changes under its path. */
export const IMMUTABLE = 'public, max-age=31536000, immutable';

/** Whether a client already has what an entity tag stands for (RFC 9110, section 13.1.2: weak comparison). */
const has = (ifNoneMatch: string, etag: string): boolean =>
  ifNoneMatch.split(',').some((tag) => {
    const trimmed = tag.trim();
    return trimmed === '*' || trimmed.replace(/^W\//, '') === etag;
  });

/** Answers with a text that has an entity tag: 304, without it, where the client has it already. */
export function answerCached(
  c: AppContext,
  { type, body, etag }: Asset,
  cacheControl: string,
  headers: Readonly<Record<string, string>> = {},
): Response {
  const common = { etag, 'cache-control': cacheControl, 'x-request-id': c.get('requestId'), ...headers };
  const known = header(c, 'if-none-match');
  if (known !== undefined && has(known, etag)) return new Response(null, { status: 304, headers: common });
  return new Response(body, { headers: { 'content-type': type, ...common } });
}
