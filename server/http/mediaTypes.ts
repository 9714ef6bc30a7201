import { Problem } from '../errors/problem.ts';
import { prefersHtml, readWeights, weightOf } from './accept.ts';
import type { AppContext } from './context.ts';
import { header } from './header.ts';

/**
 * A media type in any letter case, with no parameter but a charset of UTF-8. No two quantifiers of white space are
 * adjacent: on a header full of it the match would take quadratic time.
 */
const inUtf8 = (type: string): RegExp =>
  new RegExp(`^\\s*${type}(\\s*;\\s*charset\\s*=\\s*(utf-8|"utf-8"))?(\\s*;)?\\s*$`, 'i');
const JSON_TYPE = inUtf8('application/json');
const CSV_TYPE = inUtf8('text/csv');
/** Media ranges that include a type, the most specific first. */
const JSON_RANGES = ['application/json', 'application/*', '*/*'];
const CSV_RANGES = ['text/csv', 'text/*', '*/*'];

export const isCsvType = (type: string): boolean => CSV_TYPE.test(type);

/** Also for a body without a type. */
const isJsonType = (type: string | undefined): boolean =>
  type === undefined || type === 'application/json' || JSON_TYPE.test(type);

/** The declared type of a body; JSON without one. @throws {Problem} unsupported_media_type */
export function bodyType(c: AppContext): 'json' | 'csv' {
  const type = header(c, 'content-type');
  if (isJsonType(type)) return 'json';
  if (isCsvType(type ?? '')) return 'csv';
  throw new Problem('unsupported_media_type');
}

/** @throws {Problem} unsupported_media_type unless the body is declared as JSON in UTF-8, or has no type */
export function requireJsonBody(c: AppContext): void {
  if (isJsonType(header(c, 'content-type'))) return;
  throw new Problem('unsupported_media_type', {
    detail: 'Send the body with "content-type: application/json", in UTF-8.',
  });
}

/**
 * @param binary whether bytes follow the JSON
 * @throws {Problem} unsupported_media_type unless the body is declared as JSON, or as bytes if some follow
 */
export function requireV2InferBody(c: AppContext, binary: boolean): void {
  const type = header(c, 'content-type');
  if (isJsonType(type)) return;
  const isBytes = type?.trim().toLowerCase() === 'application/octet-stream';
  if (isBytes && binary) return;
  throw new Problem('unsupported_media_type', {
    detail: isBytes
      ? 'A body of type application/octet-stream needs the header Inference-Header-Content-Length: the bytes of JSON that it begins with.'
      : 'Send the body with "content-type: application/json", in UTF-8; or as application/octet-stream with the header Inference-Header-Content-Length.',
  });
}

/** @throws {Problem} not_acceptable if the Accept header excludes JSON */
export function requireJsonAnswer(c: AppContext): void {
  const accept = header(c, 'accept');
  // Most clients send one of these, which costs no parsing.
  if (accept === undefined || accept === '*/*' || accept.trim() === '') return;
  if (weightOf(readWeights(accept), JSON_RANGES) === 0) throw new Problem('not_acceptable');
}

/** A page, if the Accept header names HTML and doesn't prefer JSON. @throws {Problem} not_acceptable */
export function pageOrJson(c: AppContext): 'page' | 'json' {
  if (prefersHtml(header(c, 'accept'), JSON_RANGES)) return 'page';
  requireJsonAnswer(c);
  return 'json';
}

/** The type of the answer to a file: CSV, if Accept names it and doesn't prefer JSON. @throws {Problem} not_acceptable */
export function fileAnswerType(c: AppContext): 'json' | 'csv' {
  const accept = header(c, 'accept');
  if (accept === undefined || accept.trim() === '') return 'json';
  const weights = readWeights(accept);
  const json = weightOf(weights, JSON_RANGES);
  const csv = weightOf(weights, CSV_RANGES);
  if (json === 0 && csv === 0) {
    throw new Problem('not_acceptable', {
      detail: 'This path answers application/json or text/csv, which the Accept header excludes.',
    });
  }
  return csv > json || (weights.has('text/csv') && csv === json) ? 'csv' : 'json';
}
