import type { JsonObject } from '../forms/json.ts';
import { invalidBody, isObject } from '../forms/json.ts';
import type { Datatype } from './datatypes.ts';
import { findDatatype } from './datatypes.ts';
import { readBinaryElements, readJsonElements } from './elements.ts';

/** An input of a request. The number of its values fits its shape. */
export interface Tensor {
  readonly name: string;
  readonly datatype: Datatype;
  /** [rows] or [rows, width]. */
  readonly shape: readonly [rows: number] | readonly [rows: number, width: number];
  /** Row by row. */
  readonly values: readonly unknown[];
}

/** Returns the next `size` bytes of the binary data after the JSON. */
export type TakeBytes = (where: string, size: number) => Buffer;

const KEYS = new Set(['name', 'shape', 'datatype', 'parameters', 'data']);
/** The marks of plain data by MLServer's clients. Any other mark means encoded data. */
const PLAIN_CONTENT = new Set<unknown>([undefined, null, 'np', 'pd', 'str']);

const isDimension = (value: unknown): boolean => Number.isSafeInteger(value) && (value as number) >= 0;

/** The `parameters` of a request, an input or an output; null stands for none. */
export function readParameters(where: string, parameters: unknown): JsonObject {
  if (parameters === undefined || parameters === null) return {};
  if (!isObject(parameters)) throw invalidBody(`The "parameters" of ${where} must be an object.`);
  return parameters;
}

/**
 * Reads one entry of a request's `inputs`.
 *
 * @param index of the entry, for errors
 * @throws {Problem} invalid_body
 */
export function readV2Tensor(input: unknown, index: number, take: TakeBytes): Tensor {
  const where = `Input ${index}`;
  if (!isObject(input)) throw invalidBody(`${where} must be an object.`);
  if (Object.keys(input).some((key) => !KEYS.has(key))) {
    throw invalidBody(`${where} has a key other than ${[...KEYS].join(', ')}.`);
  }
  const { name, shape, data } = input;
  if (typeof name !== 'string') throw invalidBody(`${where} needs a "name".`);
  if (!Array.isArray(shape) || shape.length < 1 || shape.length > 2 || !shape.every(isDimension)) {
    throw invalidBody(`${where} needs a "shape" of one or two dimensions: [rows] or [rows, columns].`);
  }
  const datatype = findDatatype(input['datatype']);
  if (!datatype) throw invalidBody(`${where} needs a "datatype" that a column takes.`);
  const parameters = readParameters(`input ${index}`, input['parameters']);
  if (!PLAIN_CONTENT.has(parameters['content_type'])) {
    throw invalidBody(`${where} has a content type other than np, pd and str.`);
  }
  const [rows, width = 1] = shape as [number, number?];
  const size = parameters['binary_data_size'];
  const dimensions = shape as unknown as Tensor['shape'];
  if (size === undefined) {
    return { name, datatype, shape: dimensions, values: readJsonElements(where, data, dimensions) };
  }
  if (data !== undefined && data !== null) {
    throw invalidBody(`${where} has both "data" and binary data.`);
  }
  if (!isDimension(size)) throw invalidBody(`The "binary_data_size" of input ${index} must be an integer.`);
  const values = readBinaryElements(where, datatype, take(where, size as number), rows * width);
  return { name, datatype, shape: dimensions, values };
}
