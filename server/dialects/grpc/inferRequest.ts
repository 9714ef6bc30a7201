import type { Model } from '../../model/model.ts';
import type { JsonObject } from '../forms/json.ts';
import { invalidBody } from '../forms/json.ts';
import type { V2Rows } from '../v2/bytes.ts';
import { readShort } from '../v2/bytes.ts';
import type { OutputTensor } from '../v2/outputTensor.ts';
import type { V2InferRequest } from '../v2/request.ts';
import { readInferHeader } from '../v2/request.ts';
import { toTable } from '../v2/table.ts';
import { readTypedElements } from './contents.ts';
import type { InferInput, InferMessage, Parameters } from './inferMessage.ts';

/** A request of the Open Inference Protocol over gRPC. */
export interface GrpcInferRequest extends V2InferRequest {
  /** Whether the answer's tensors are raw: as the request's, unless it says otherwise. */
  readonly raw: boolean;
}

/** The input as in JSON, where binary data or a list has its elements. */
function toHeader(input: InferInput, index: number, raw: Buffer | undefined): JsonObject {
  const { name, datatype, shape, parameters } = input;
  if (raw !== undefined)
    return { name, datatype, shape, parameters: { ...parameters, binary_data_size: raw.length } };
  return {
    name,
    datatype,
    shape,
    parameters: { ...parameters, binary_data_size: undefined },
    data: readTypedElements(`Input ${index}`, input),
  };
}

/** The message in the form of V2 over HTTP. @throws {Problem} invalid_body */
function headerOf({ id, parameters, inputs, outputs, raw }: InferMessage): {
  readonly isRaw: boolean;
  readonly header: JsonObject;
} {
  const isRaw = raw.length > 0;
  if (isRaw && inputs.some(({ contents }) => contents.length > 0))
    throw invalidBody(
      'The message has both "raw_input_contents" and an input with "contents": send one form.',
    );
  if (isRaw && raw.length !== inputs.length)
    throw invalidBody(
      `"raw_input_contents" has ${raw.length} tensors where the message has ${inputs.length} inputs.`,
    );
  const header = {
    id: id === '' ? undefined : id,
    parameters: { binary_data_output: isRaw, ...parameters },
    inputs: inputs.map((input, index) => toHeader(input, index, isRaw ? raw[index] : undefined)),
    outputs,
  };
  return { isRaw, header };
}

/** Adds the form of the answer. @throws {Problem} invalid_body */
function withForm<T extends Pick<V2InferRequest, 'wanted'>>(
  request: T,
  isRaw: boolean,
): T & { readonly raw: boolean } {
  const [first, ...others] = request.wanted;
  if (others.some(({ binary }) => binary !== first?.binary))
    throw invalidBody('The outputs of one answer are either all raw or none.');
  return { ...request, raw: first?.binary ?? isRaw };
}

/**
 * Reads the tensors and the wanted outputs of a message, by the readers of V2 over HTTP.
 *
 * @param all the outputs of the model
 * @throws {Problem} invalid_body
 */
export function readGrpcInferRequest(message: InferMessage, all: readonly OutputTensor[]): GrpcInferRequest {
  const { isRaw, header } = headerOf(message);
  let next = 0;
  return withForm(
    readInferHeader(header, all, () => message.raw[next++] as Buffer),
    isRaw,
  );
}

/** A message with its rows. */
export interface GrpcRows extends V2Rows {
  readonly request: Omit<GrpcInferRequest, 'tensors'>;
}

/** JSON has no numbers that aren't finite. */
const fitsJson = (parameters: Parameters): boolean =>
  Object.values(parameters).every((value) => typeof value !== 'number' || Number.isFinite(value));

/** Raw tensors as binary data behind their JSON, straight into the matrix; undefined where there is any doubt. */
function readRawRows(
  message: InferMessage,
  model: Model,
  all: readonly OutputTensor[],
): GrpcRows | undefined {
  const { inputs, outputs, parameters, raw } = message;
  if (model.encoder.readTensors === undefined || raw.length === 0) return undefined;
  if (![{ parameters }, ...inputs, ...outputs].every((one) => fitsJson(one.parameters))) return undefined;
  const { isRaw, header } = headerOf(message);
  const json = Buffer.from(JSON.stringify(header));
  const rows = readShort(Buffer.concat([json, ...raw]), json.length, model, all);
  return rows && { ...rows, request: withForm(rows.request, isRaw) };
}

/**
 * Reads a message with its rows: raw tensors of a lifted model from their bytes, any others by `readGrpcInferRequest`.
 *
 * @param all the outputs of the model
 * @throws {Problem} invalid_body, invalid_columns or invalid_rows
 */
export function readGrpcRows(message: InferMessage, model: Model, all: readonly OutputTensor[]): GrpcRows {
  const rows = readRawRows(message, model, all);
  if (rows) return rows;
  const request = readGrpcInferRequest(message, all);
  return { request, table: toTable(request.tensors, model.signature.inputs) };
}
