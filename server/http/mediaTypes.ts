import { Problem } from '../errors/problem.ts';
import { prefersHtml, readWeights, weightOf } from './accept.ts';
import type { AppContext } from './context.ts';
import { header } from './header.ts';

/** A media type and its parameters, all in lower case. */
export interface MediaType {
  readonly type: string;
  readonly parameters: ReadonlyMap<string, string>;
}

export function parseMediaType(text: string): MediaType {
  const [type = '', ...parts] = text
    .toLowerCase()
    .split(';')
    .map((part) => part.trim());
  const parameters = parts
    .filter((part) => part !== '')
    .map((part): [string, string] => {
      const [name = '', ...value] = part.split('=');
      return [
        name.trim(),
        value
          .join('=')
          .trim()
          .replace(/^"(.*)"$/, '$1'),
      ];
    });
  return { type, parameters: new Map(parameters) };
}

/** Python and databases write UTF8, too. */
export const isUtf8 = (charset: string): boolean => charset === 'utf-8' || charset === 'utf8';

/** How a body holds rows: as JSON, JSON Lines or CSV. */
export interface BodyType {
  readonly kind: 'json' | 'lines' | 'csv';
  /** Of a CSV: RFC 4180's parameter `header`. */
  readonly header?: 'present' | 'absent';
}

const JSON_BODY: BodyType = { kind: 'json' };
/**
 * curl's -d declares a form, and its body is JSON here: a prediction changes nothing. A route that changes something must
 * not take that type, which a page of another origin may send without asking.
 */
const KINDS: Readonly<Record<string, BodyType['kind']>> = {
  'application/json': 'json',
  'application/x-www-form-urlencoded': 'json',
  'application/jsonlines': 'lines',
  'application/x-ndjson': 'lines',
  'text/csv': 'csv',
};

const isHeader = (value: string): value is 'present' | 'absent' => value === 'present' || value === 'absent';

/** The type of a body by its media type; undefined for another one, or for a parameter that isn't known. */
export function readBodyType({ type, parameters }: MediaType): BodyType | undefined {
  const kind = Object.hasOwn(KINDS, type) ? KINDS[type] : undefined;
  if (!kind) return undefined;
  let body: BodyType = { kind };
  for (const [name, value] of parameters) {
    if (name === 'charset' && isUtf8(value)) continue;
    if (name !== 'header' || kind !== 'csv' || !isHeader(value)) return undefined;
    body = { kind, header: value };
  }
  return body;
}

/** Media ranges that include a type, the most specific first. */
const JSON_RANGES = ['application/json', 'application/*', '*/*'];
const CSV_RANGES = ['text/csv', 'text/*', '*/*'];
/** The types of JSON Lines. */
const LINES = ['application/jsonlines', 'application/x-ndjson'] as const;

/** The declared type of a body; JSON without one. @throws {Problem} unsupported_media_type */
export function bodyType(c: AppContext): BodyType {
  const type = header(c, 'content-type');
  if (type === undefined || type === 'application/json') return JSON_BODY;
  const body = readBodyType(parseMediaType(type));
  if (!body) throw new Problem('unsupported_media_type');
  return body;
}

const isJsonType = (type: string | undefined): boolean =>
  type === undefined || type === 'application/json' || readBodyType(parseMediaType(type))?.kind === 'json';

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

/** The type of JSON Lines that Accept names; undefined if it names none, or prefers JSON. */
export function acceptedLines(c: AppContext): (typeof LINES)[number] | undefined {
  const accept = header(c, 'accept');
  if (accept === undefined || !/jsonlines|ndjson/i.test(accept)) return undefined;
  const weights = readWeights(accept);
  const json = weightOf(weights, JSON_RANGES);
  return LINES.find((type) => {
    const weight = weights.get(type) ?? 0;
    return weight > 0 && weight >= json;
  });
}

/** The type of the answer to rows: JSON, or JSON Lines where Accept asks for it. @throws {Problem} not_acceptable */
export function predictionAnswerType(c: AppContext): 'application/json' | (typeof LINES)[number] {
  const lines = acceptedLines(c);
  if (lines !== undefined) return lines;
  requireJsonAnswer(c);
  return 'application/json';
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
