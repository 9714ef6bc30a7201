import { cutName } from '../../encoding/columns.ts';
import type { JsonObject } from '../forms/json.ts';
import { invalidBody } from '../forms/json.ts';
import { readParameters } from './tensor.ts';

/** The `parameters` of a request for inference. */
export interface RequestParameters {
  readonly all: JsonObject;
  /** Milliseconds that the client gives the request; undefined for those of the server. */
  readonly timeoutMs: number | undefined;
  /** Names of parameters that have no effect: the answer names them, too. */
  readonly ignored: readonly string[];
}

/** Those that have an effect, or none by their meaning. */
const KNOWN = new Set([
  'binary_data_output',
  'content_type',
  'timeout',
  'sequence_id',
  'sequence_start',
  'sequence_end',
]);

/** Names that an answer lists at most. */
const MAX_NAMED = 20;

const isSet = (value: unknown): boolean => value !== undefined && value !== null && value !== false;

/** A model here has no state: an answer to a part of a sequence would be wrong. @throws {Problem} invalid_body */
function refuseSequence(parameters: JsonObject): void {
  const { sequence_id: id, sequence_start: start, sequence_end: end } = parameters;
  // By Triton's specification 0 and an empty text are no sequence.
  const name =
    isSet(id) && id !== 0 && id !== ''
      ? 'sequence_id'
      : isSet(start)
        ? 'sequence_start'
        : isSet(end)
          ? 'sequence_end'
          : undefined;
  if (name !== undefined)
    throw invalidBody(
      `The parameter "${name}" is for models with a state, which this server does not serve.`,
    );
}

/** Triton's schedule policy has integers. @throws {Problem} invalid_body */
function readCount(parameters: JsonObject, name: 'priority' | 'timeout'): number {
  const value = parameters[name] ?? 0;
  if (!Number.isSafeInteger(value) || (value as number) < 0)
    throw invalidBody(
      `The parameter "${name}" must be ${name === 'timeout' ? 'a number of microseconds' : 'a whole number, 0 or more'}.`,
    );
  return value as number;
}

/** Reads the parameters of a request. @throws {Problem} invalid_body */
export function readRequestParameters(parameters: unknown): RequestParameters {
  const all = readParameters('the request', parameters);
  refuseSequence(all);
  const timeout = readCount(all, 'timeout');
  // There is one level of priority, as in a model of Triton's that sets no others.
  const isIgnored = (name: string): boolean =>
    name === 'priority' ? readCount(all, 'priority') > 0 : !KNOWN.has(name);
  const ignored = Object.keys(all).filter(isIgnored).slice(0, MAX_NAMED).map(cutName);
  return { all, timeoutMs: timeout === 0 ? undefined : timeout / 1000, ignored };
}
