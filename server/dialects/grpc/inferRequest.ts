import type { JsonObject } from '../forms/json.ts';
import { invalidBody } from '../forms/json.ts';
import type { OutputTensor } from '../v2/outputTensor.ts';
import type { V2InferRequest } from '../v2/request.ts';
import { readInferHeader } from '../v2/request.ts';
import { readTypedElements } from './contents.ts';
import type { InferInput, InferMessage } from './inferMessage.ts';

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

/**
 * Reads the tensors and the wanted outputs of a message, by the readers of V2 over HTTP.
 *
 * @param all the outputs of the model
 * @throws {Problem} invalid_body
 */
export function readGrpcInferRequest(
  { id, parameters, inputs, outputs, raw }: InferMessage,
  all: readonly OutputTensor[],
): GrpcInferRequest {
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
  let next = 0;
  const request = readInferHeader(header, all, () => raw[next++] as Buffer);
  const [first, ...others] = request.wanted;
  if (others.some(({ binary }) => binary !== first?.binary))
    throw invalidBody('The outputs of one answer are either all raw or none.');
  return { ...request, raw: first?.binary ?? isRaw };
}
