import { Problem } from '../errors.ts';
import type { AppContext } from '../middleware/handler.ts';

/**
 * application/json in any letter case, with no parameter but a charset of UTF-8. No two runs of white space can
 * meet: on a header full of it they would take quadratic time.
 */
const JSON_TYPE = /^\s*application\/json(\s*;\s*charset\s*=\s*(utf-8|"utf-8"))?(\s*;)?\s*$/i;
/** A media range that includes application/json; one of quality 0 excludes it. */
const TAKES_JSON = /^\s*(\*\/\*|application\/\*|application\/json)\s*(;(?!\s*q\s*=\s*0(\.0*)?\s*$).*)?$/i;

/** @throws {Problem} unsupported_media_type unless the body is declared as JSON in UTF-8, or not declared at all */
export function requireJsonBody(c: AppContext): void {
  const type = c.req.header('content-type');
  if (type !== undefined && type !== 'application/json' && !JSON_TYPE.test(type)) {
    throw new Problem('unsupported_media_type');
  }
  const encoding = c.req.header('content-encoding');
  if (encoding !== undefined && encoding.toLowerCase() !== 'identity') {
    throw new Problem('unsupported_media_type', { detail: 'Send the body without a content encoding.' });
  }
}

/** @throws {Problem} not_acceptable when the Accept header excludes JSON */
export function requireJsonAnswer(c: AppContext): void {
  const accept = c.req.header('accept');
  if (accept === undefined || accept === '*/*' || accept.trim() === '') return;
  if (!accept.split(',').some((range) => TAKES_JSON.test(range))) throw new Problem('not_acceptable');
}
