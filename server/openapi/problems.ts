import type { ErrorCode } from '../errors/problem.ts';
import { MAX_LISTED, Problem, problemBody } from '../errors/problem.ts';
import { headers } from './headers.ts';
import type { Json } from './json.ts';
import { content, ref } from './json.ts';

/** The catalogue of errors: server/errors/problem.ts. */
export type Errors = Readonly<Record<string, { readonly status: number; readonly detail: string }>>;

/** Statuses of errors that any request can get, from the proxy too. */
const ANYWHERE = [400, 401, 405, 406, 408, 411, 413, 414, 429, 431, 500, 503, 504, 505];

const componentOf = (status: number): string => `Problem${status}`;

/** A refused cell or row. */
const CELL_ERROR: Json = {
  type: 'object',
  required: ['row', 'message'],
  properties: {
    row: { type: 'integer', minimum: 0, description: 'Counted from 0, in the order of the body.' },
    line: { type: 'integer', minimum: 1, description: 'Of a CSV, counted from 1.' },
    column: { type: 'string' },
    message: { type: 'string' },
  },
};

const PROBLEM: Json = {
  type: 'object',
  description: 'RFC 9457. `code` is the stable part: act on it, show `detail`.',
  required: ['type', 'title', 'status', 'detail', 'code', 'requestId'],
  properties: {
    type: { type: 'string', examples: ['about:blank'] },
    title: { type: 'string' },
    status: { type: 'integer', minimum: 400, maximum: 599 },
    detail: { type: 'string' },
    code: ref('ErrorCode'),
    requestId: { type: 'string' },
    errors: { type: 'array', maxItems: MAX_LISTED, items: ref('CellError'), description: 'The first ones.' },
    errorsTotal: { type: 'integer', minimum: 1 },
  },
};

const errorHeaders = (status: number): Json =>
  status === 503 ? headers('x-model-if-known', 'retry-after') : headers('x-model-if-known');

/** The answer with the errors of a status, each as an example. */
function response(errors: Errors, status: number): Json {
  const here = Object.entries(errors).filter(([, error]) => error.status === status);
  const example = ([code, { detail }]: (typeof here)[number]): [string, Json] => [
    code,
    {
      summary: detail,
      value: JSON.parse(problemBody(new Problem(code as ErrorCode), 'a1b2c3')) as Json,
    },
  ];
  return {
    description: here.map(([code, { detail }]) => `\`${code}\`: ${detail}`).join('\n'),
    headers: errorHeaders(status),
    content: {
      'application/problem+json': {
        schema: ref('Problem'),
        examples: Object.fromEntries(here.map(example)),
      },
    },
  };
}

/** Schemas and answers of all errors, as components. */
export function describeProblems(errors: Errors): { readonly schemas: Json; readonly responses: Json } {
  const statuses = [...new Set(Object.values(errors).map(({ status }) => status))].sort((a, b) => a - b);
  return {
    schemas: {
      ErrorCode: { type: 'string', enum: Object.keys(errors), description: 'Closed: docs/api.md.' },
      CellError: CELL_ERROR,
      Problem: PROBLEM,
    },
    responses: Object.fromEntries(statuses.map((status) => [componentOf(status), response(errors, status)])),
  };
}

const statusesWith = (statuses: readonly number[]): number[] =>
  [...new Set([...ANYWHERE, ...statuses])].sort((a, b) => a - b);

/** The error answers of an operation: those of any request, and its own statuses. */
export const problemResponses = (...statuses: number[]): Json =>
  Object.fromEntries(
    statusesWith(statuses).map((status) => [
      status,
      { $ref: `#/components/responses/${componentOf(status)}` },
    ]),
  );

/**
 * As `problemResponses`, for errors in another form.
 *
 * @param others the errors that are problems all the same
 */
export const problemResponsesAs = (schema: string, others: string, ...statuses: number[]): Json =>
  Object.fromEntries(
    statusesWith(statuses).map((status) => [
      status,
      {
        description: `An error as ${schema}. ${others} is a Problem.`,
        headers: errorHeaders(status),
        content: {
          ...content('application/json', ref(schema)),
          ...content('application/problem+json', ref('Problem')),
        },
      },
    ]),
  );
