import type { JsonObject } from '../forms/json.ts';
import { invalidBody, invalidForm, isObject, parseJson } from '../forms/json.ts';
import { requireUtf8 } from '../forms/utf8.ts';
import type { OutputTensor } from './outputTensor.ts';
import { readRequestParameters } from './requestParameters.ts';
import type { TakeBytes, Tensor } from './tensor.ts';
import { readV2Tensor } from './tensor.ts';
import type { WantedOutput } from './wanted.ts';
import { readFlag, readWanted } from './wanted.ts';

/** The model of the path: a body's `model_name` and `model_version`, if given, must name it. */
export interface PathModel {
  readonly name: string;
  readonly version: number;
}

/** A request of the Open Inference Protocol. */
export interface V2InferRequest {
  readonly id: string | undefined;
  readonly tensors: readonly Tensor[];
  readonly wanted: readonly WantedOutput[];
  /** Milliseconds that the client gives the request; undefined for those of the server. */
  readonly timeoutMs: number | undefined;
  /** Names of parameters that have no effect. */
  readonly ignored: readonly string[];
}

const KEYS = new Set(['id', 'parameters', 'inputs', 'outputs', 'model_name', 'model_version']);

function parseObject(bytes: Buffer): JsonObject {
  requireUtf8(bytes);
  const body = parseJson(bytes.toString('utf8').replace(/^\uFEFF/, ''));
  if (!isObject(body)) throw invalidBody('The body must be a JSON object.');
  return body;
}

function parseHeader(bytes: Buffer): JsonObject {
  const body = parseObject(bytes);
  const unknown = Object.keys(body).some((key) => !KEYS.has(key));
  if (unknown) throw invalidBody('The body has a key other than "id", "parameters", "inputs" and "outputs".');
  return body;
}

/** @throws {Problem} invalid_body if the body names another model than the path */
function checkPathModel({ model_name: name, model_version: version }: JsonObject, model: PathModel): void {
  if (name !== undefined && name !== null && name !== '' && name !== model.name)
    throw invalidBody('"model_name" is not the model of the path.');
  if (version !== undefined && version !== null && version !== '' && version !== String(model.version))
    throw invalidBody(`"model_version" is not the version that answers: it would be "${model.version}".`);
}

/** Takes the binary data after the JSON apart, input by input. */
function createTake(rest: Buffer): { readonly take: TakeBytes; readonly end: () => void } {
  let at = 0;
  return {
    take: (where, size) => {
      if (size > rest.length - at) {
        throw invalidBody(`${where} has ${size} bytes of binary data where ${rest.length - at} are left.`);
      }
      at += size;
      return rest.subarray(at - size, at);
    },
    end: () => {
      if (at < rest.length) throw invalidBody(`${rest.length - at} bytes of the body belong to no input.`);
    },
  };
}

/** What a request says beside its tensors. */
interface Head extends Omit<V2InferRequest, 'tensors'> {
  readonly inputs: unknown;
}

function readMembers({ id, inputs, outputs, parameters }: JsonObject, all: readonly OutputTensor[]): Head {
  if (id !== undefined && id !== null && typeof id !== 'string') throw invalidBody('"id" must be a string.');
  const { all: given, timeoutMs, ignored } = readRequestParameters(parameters);
  return { id: id ?? undefined, wanted: readWanted(outputs, given, all), timeoutMs, ignored, inputs };
}

/**
 * Reads the JSON of a request, but for its tensors.
 *
 * @param all the outputs of the model
 * @throws {Problem} invalid_body, invalid_json or invalid_encoding
 */
export function readHead(json: Buffer, model: PathModel, all: readonly OutputTensor[]): Head {
  const header = parseHeader(json);
  checkPathModel(header, model);
  return readMembers(header, all);
}

/**
 * Reads the members of a request that gRPC's message has, too.
 *
 * @param take returns the binary data of the next input that has some
 * @throws {Problem} invalid_body
 */
export function readInferHeader(
  header: JsonObject,
  all: readonly OutputTensor[],
  take: TakeBytes,
): V2InferRequest {
  const { inputs, ...head } = readMembers(header, all);
  if (!Array.isArray(inputs)) throw invalidForm('"inputs"', inputs, '"inputs" must be a list of tensors.');
  return { ...head, tensors: inputs.map((input: unknown, index) => readV2Tensor(input, index, take)) };
}

/**
 * Reads a request of the Open Inference Protocol, with the binary tensor data extension.
 *
 * @param headerLength bytes of the JSON, which binary data follow; undefined if all is JSON
 * @param all the outputs that may be asked for
 * @throws {Problem} invalid_body, invalid_json or invalid_encoding
 */
export function readV2InferRequest(
  bytes: Buffer,
  headerLength: number | undefined,
  model: PathModel,
  all: readonly OutputTensor[],
): V2InferRequest {
  const length = headerLength ?? bytes.length;
  if (length > bytes.length) throw invalidBody('Inference-Header-Content-Length is larger than the body.');
  const header = parseHeader(bytes.subarray(0, length));
  checkPathModel(header, model);
  const { take, end } = createTake(bytes.subarray(length));
  const request = readInferHeader(header, all, take);
  end();
  return request;
}

/**
 * Reads a request for the repository index.
 *
 * @throws {Problem} invalid_body, invalid_json or invalid_encoding
 */
export function readIndexRequest(bytes: Buffer): { readonly ready: boolean } {
  if (bytes.length === 0) return { ready: false };
  const body = parseObject(bytes);
  if (Object.keys(body).some((key) => key !== 'ready'))
    throw invalidBody('The body has a key other than "ready".');
  return { ready: readFlag('"ready"', body['ready'], false) };
}
