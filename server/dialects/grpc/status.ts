import type { ErrorCode, Problem } from '../../errors/problem.ts';
import { ERRORS } from '../../errors/problem.ts';
import { errorSentence } from '../errorSentence.ts';

/** The status codes of gRPC that this server answers, by name. */
export const GRPC_CODES = {
  OK: 0,
  CANCELLED: 1,
  INVALID_ARGUMENT: 3,
  DEADLINE_EXCEEDED: 4,
  NOT_FOUND: 5,
  ALREADY_EXISTS: 6,
  PERMISSION_DENIED: 7,
  RESOURCE_EXHAUSTED: 8,
  FAILED_PRECONDITION: 9,
  UNIMPLEMENTED: 12,
  INTERNAL: 13,
  UNAVAILABLE: 14,
  UNAUTHENTICATED: 16,
} as const;

export type GrpcCode = keyof typeof GRPC_CODES;

/** The status of every error. nginx.conf has the same for its own errors; a test holds both together. */
export const GRPC_CODE_OF: Readonly<Record<ErrorCode, GrpcCode>> = {
  bad_request: 'INVALID_ARGUMENT',
  invalid_body: 'INVALID_ARGUMENT',
  invalid_compression: 'INVALID_ARGUMENT',
  invalid_csv: 'INVALID_ARGUMENT',
  invalid_encoding: 'INVALID_ARGUMENT',
  invalid_json: 'INVALID_ARGUMENT',
  invalid_parameter: 'INVALID_ARGUMENT',
  unauthorized: 'UNAUTHENTICATED',
  model_not_found: 'NOT_FOUND',
  // No such method of a service.
  not_found: 'UNIMPLEMENTED',
  method_not_allowed: 'UNIMPLEMENTED',
  not_acceptable: 'INVALID_ARGUMENT',
  // The client has gone.
  request_timeout: 'CANCELLED',
  not_explainable: 'FAILED_PRECONDITION',
  model_control_off: 'PERMISSION_DENIED',
  model_loaded: 'ALREADY_EXISTS',
  model_pinned: 'FAILED_PRECONDITION',
  model_refused: 'FAILED_PRECONDITION',
  insufficient_memory: 'RESOURCE_EXHAUSTED',
  length_required: 'INVALID_ARGUMENT',
  body_too_large: 'RESOURCE_EXHAUSTED',
  too_many_rows: 'RESOURCE_EXHAUSTED',
  uri_too_long: 'RESOURCE_EXHAUSTED',
  // A coding of messages, or a content type.
  unsupported_media_type: 'UNIMPLEMENTED',
  invalid_columns: 'INVALID_ARGUMENT',
  invalid_rows: 'INVALID_ARGUMENT',
  too_many_requests: 'RESOURCE_EXHAUSTED',
  headers_too_large: 'RESOURCE_EXHAUSTED',
  internal_error: 'INTERNAL',
  draining: 'UNAVAILABLE',
  not_ready: 'UNAVAILABLE',
  overloaded: 'RESOURCE_EXHAUSTED',
  deadline_exceeded: 'DEADLINE_EXCEEDED',
  http_version_not_supported: 'INTERNAL',
};

/** Clients refuse metadata above 8 KiB. */
const MAX_ENCODED = 6000;

/** All that is not printable ASCII, and `%`, as gRPC's percent-encoding wants. */
const encodeCharacter = (character: string): string =>
  [...Buffer.from(character)].map((byte) => `%${byte.toString(16).toUpperCase().padStart(2, '0')}`).join('');

/** Sentences of the catalogue that name a path of HTTP, in the words of gRPC. */
const SENTENCES: Partial<Record<ErrorCode, string>> = {
  model_not_found: 'There is no such model; RepositoryIndex lists those that are served.',
};

/** The error as one sentence, for the header `grpc-message`. */
export function grpcMessage(problem: Problem): string {
  const { code, message } = problem;
  const own = message === ERRORS[code].detail ? SENTENCES[code] : undefined;
  const sentence = own ?? errorSentence(problem);
  const encoded = sentence.replace(/[^ -$&-~]/gu, encodeCharacter);
  // Not within a character, which is several codes.
  return encoded.length > MAX_ENCODED
    ? `${encoded.slice(0, MAX_ENCODED).replace(/(?:%[0-9A-F]{0,2})+$/, '')} ...`
    : encoded;
}
