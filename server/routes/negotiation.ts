import { Problem } from '../errors.ts';
import type { AppContext } from '../middleware/handler.ts';
import { header } from '../middleware/header.ts';

/**
 * A media type in any letter case, with no parameter but a charset of UTF-8. No two runs of white space can
 * meet: on a header full of it they would take quadratic time.
 */
const inUtf8 = (type: string): RegExp =>
  new RegExp(`^\\s*${type}(\\s*;\\s*charset\\s*=\\s*(utf-8|"utf-8"))?(\\s*;)?\\s*$`, 'i');
const JSON_TYPE = inUtf8('application/json');
const CSV_TYPE = inUtf8('text/csv');
/** Media ranges that include JSON, the most specific first: the first one in a header decides. */
const JSON_RANGES = ['application/json', 'application/*', '*/*'];
const REFUSED = /^\s*q\s*=\s*0(\.0*)?\s*$/i;

/** Whether an Accept header leaves room for JSON (RFC 9110, section 12.5.1). */
function takesJson(accept: string): boolean {
  const ranges = accept.split(',').map((range) => {
    const [type = '', ...parameters] = range.split(';');
    return {
      type: type.trim().toLowerCase(),
      refused: parameters.some((parameter) => REFUSED.test(parameter)),
    };
  });
  const decisive = JSON_RANGES.map((name) => ranges.find(({ type }) => type === name)).find((range) => range);
  return decisive !== undefined && !decisive.refused;
}

/** What a body declares itself to be; JSON if it doesn't. @throws {Problem} unsupported_media_type */
export function bodyType(c: AppContext): 'json' | 'csv' {
  const type = header(c, 'content-type');
  if (type === undefined || type === 'application/json' || JSON_TYPE.test(type)) return 'json';
  if (CSV_TYPE.test(type)) return 'csv';
  throw new Problem('unsupported_media_type');
}

/** @throws {Problem} unsupported_media_type unless the body is declared as JSON in UTF-8, or not declared at all */
export function requireJsonBody(c: AppContext): void {
  if (bodyType(c) === 'json') return;
  throw new Problem('unsupported_media_type', {
    detail: 'Send the body with "content-type: application/json", in UTF-8.',
  });
}

/** @throws {Problem} not_acceptable when the Accept header excludes JSON */
export function requireJsonAnswer(c: AppContext): void {
  const accept = header(c, 'accept');
  if (accept === undefined || accept === '*/*' || accept.trim() === '') return;
  if (!takesJson(accept)) throw new Problem('not_acceptable');
}
