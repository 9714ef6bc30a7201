import type { Refusal } from './refusals.ts';

/** The public part of an error: its HTTP status, and a sentence for clients. */
interface CatalogueEntry {
  readonly status: number;
  readonly detail: string;
}

/**
 * Every error that the server answers, by its `code`. The set is closed and documented in docs/api.md; the
 * proxy's own errors use the same codes. A test holds both to this table.
 */
export const ERRORS = {
  bad_request: { status: 400, detail: 'The request is not valid HTTP.' },
  invalid_body: {
    status: 400,
    detail:
      'The body must be a JSON object with "columns" and "data", an object of one row, an object of lists, or a list of objects.',
  },
  invalid_compression: { status: 400, detail: 'The body is not what its Content-Encoding says.' },
  invalid_csv: { status: 400, detail: 'The body is not valid CSV.' },
  invalid_encoding: { status: 400, detail: 'The body is not valid UTF-8.' },
  invalid_json: { status: 400, detail: 'The body is not valid JSON.' },
  invalid_parameter: {
    status: 400,
    detail: 'A query parameter is unknown or has a value that is not accepted.',
  },
  unauthorized: {
    status: 401,
    detail: 'Send the key that you were given as "authorization: Bearer KEY" or as "x-api-key: KEY".',
  },
  model_control_off: {
    status: 403,
    detail:
      'Models are loaded and unloaded on this port only with MODEL_CONTROL=explicit; ADMIN_PORT always takes the same path.',
  },
  model_not_found: {
    status: 404,
    detail: 'There is no such model; GET /models lists those that are served.',
  },
  not_found: { status: 404, detail: 'There is nothing at this path.' },
  method_not_allowed: {
    status: 405,
    detail: 'This path does not have that method; the Allow header lists those it has.',
  },
  not_acceptable: {
    status: 406,
    detail: 'This path answers application/json, which the Accept header excludes.',
  },
  request_timeout: { status: 408, detail: 'The request did not arrive in time.' },
  model_loaded: { status: 409, detail: 'A model of this name is loaded already.' },
  model_pinned: { status: 409, detail: 'Settings name this model or version, so it stays loaded.' },
  not_explainable: { status: 409, detail: "This model's answers can't be explained." },
  length_required: { status: 411, detail: 'The request needs a Content-Length header.' },
  body_too_large: { status: 413, detail: 'The body is larger than this server accepts.' },
  too_many_rows: { status: 413, detail: 'The body has more rows than this server explains at a time.' },
  uri_too_long: { status: 414, detail: 'The request line is longer than this server accepts.' },
  unsupported_media_type: {
    status: 415,
    detail: 'Send the body as application/json, text/csv or application/jsonlines, in UTF-8.',
  },
  invalid_columns: { status: 422, detail: "The columns do not match the model's signature." },
  invalid_rows: { status: 422, detail: "Some rows do not match the model's signature." },
  model_refused: { status: 422, detail: 'The model could not be loaded.' },
  too_many_requests: { status: 429, detail: 'This client sends more requests than the server accepts.' },
  headers_too_large: { status: 431, detail: 'The headers are larger than this server accepts.' },
  internal_error: {
    status: 500,
    detail: 'The server failed to answer; the request id finds the cause in its log.',
  },
  draining: { status: 503, detail: 'The server is shutting down.' },
  not_ready: { status: 503, detail: 'The server is not ready to predict.' },
  overloaded: { status: 503, detail: 'Too many requests or rows are waiting.' },
  deadline_exceeded: { status: 504, detail: 'The prediction did not finish in time.' },
  http_version_not_supported: { status: 505, detail: 'This server speaks HTTP/1.0 and HTTP/1.1.' },
  insufficient_memory: { status: 507, detail: 'There is not enough memory to load the model.' },
} as const satisfies Record<string, CatalogueEntry>;

export type ErrorCode = keyof typeof ERRORS;

/** The reason phrase of each status in the catalogue: the `title` of a problem whose type is about:blank. */
const TITLES: Readonly<Record<(typeof ERRORS)[ErrorCode]['status'], string>> = {
  400: 'Bad Request',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'Not Found',
  405: 'Method Not Allowed',
  406: 'Not Acceptable',
  408: 'Request Timeout',
  409: 'Conflict',
  411: 'Length Required',
  413: 'Content Too Large',
  414: 'URI Too Long',
  415: 'Unsupported Media Type',
  422: 'Unprocessable Content',
  429: 'Too Many Requests',
  431: 'Request Header Fields Too Large',
  500: 'Internal Server Error',
  503: 'Service Unavailable',
  504: 'Gateway Timeout',
  505: 'HTTP Version Not Supported',
  507: 'Insufficient Storage',
};

/** Seconds after which a shed client may try again. */
export const RETRY_AFTER_SECONDS = 1;

/** Errors and warnings that an answer lists at most; a total counts all. */
export const MAX_LISTED = 20;

/** A refused cell or row. Rows are counted from 0, in the order of the body. */
export interface CellError {
  readonly row: number;
  /** Of a CSV: the first line of the row, counted from 1. */
  readonly line?: number;
  readonly column?: string;
  readonly message: string;
}

/** Additional members of a problem (RFC 9457, section 3.2). */
export interface ProblemExtensions {
  readonly errors?: readonly CellError[];
  readonly errorsTotal?: number;
}

interface ProblemOptions extends ProblemExtensions {
  /** Replaces the catalogue's sentence. Never holds a caller's value, a path or a stack. */
  readonly detail?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly cause?: unknown;
  readonly refusals?: readonly Refusal[];
}

/** An error of the catalogue: the only kind whose message is sent to clients. */
export class Problem extends Error {
  readonly code: ErrorCode;
  readonly status: (typeof ERRORS)[ErrorCode]['status'];
  readonly headers: Readonly<Record<string, string>>;
  readonly extensions: ProblemExtensions;
  /** Counts of all refusals, for metrics; the answer lists the first ones only. */
  readonly refusals: readonly Refusal[];

  constructor(
    code: ErrorCode,
    { detail, headers = {}, cause, refusals = [], ...extensions }: ProblemOptions = {},
  ) {
    super(detail ?? ERRORS[code].detail, { cause });
    this.name = 'Problem';
    this.code = code;
    this.status = ERRORS[code].status;
    this.headers = this.status === 503 ? { 'retry-after': String(RETRY_AFTER_SECONDS), ...headers } : headers;
    this.extensions = extensions;
    this.refusals = refusals;
  }
}

/** Converts anything thrown: all but a Problem is an internal error with that cause. */
export function toProblem(error: unknown): Problem {
  return error instanceof Problem ? error : new Problem('internal_error', { cause: error });
}

/** The body of an error answer: `application/problem+json` (RFC 9457). */
export function problemBody(problem: Problem, requestId: string): string {
  const { status, code } = problem;
  return JSON.stringify({
    type: 'about:blank',
    title: TITLES[status],
    status,
    detail: problem.message,
    code,
    requestId,
    ...problem.extensions,
  });
}
