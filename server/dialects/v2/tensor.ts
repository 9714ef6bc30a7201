import { cutName } from '../../encoding/columns.ts';
import type { JsonObject } from '../forms/json.ts';
import { invalidBody, isObject } from '../forms/json.ts';
import type { Datatype } from './datatypes.ts';
import { DATATYPE_NAMES, findDatatype } from './datatypes.ts';
import { readContents } from './contents.ts';
import { decodeBase64, readBinaryElements, readJsonElements } from './elements.ts';

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

const KEYS = new Set(['name', 'shape', 'datatype', 'parameters', 'data', 'contents']);
/** The marks of plain data by MLServer's clients. */
const PLAIN_CONTENT = new Set<unknown>([undefined, null, 'np', 'pd', 'str']);
/** Its mark of texts that are encoded. */
const BASE64 = 'base64';

const isDimension = (value: unknown): boolean => Number.isSafeInteger(value) && (value as number) >= 0;

/** The `parameters` of a request, an input or an output; null stands for none. */
export function readParameters(where: string, parameters: unknown): JsonObject {
  if (parameters === undefined || parameters === null) return {};
  if (!isObject(parameters)) throw invalidBody(`The "parameters" of ${where} must be an object.`);
  return parameters;
}

/** @throws {Problem} invalid_body for a tensor that is in memory of the client's machine */
export function refuseSharedMemory(where: string, parameters: JsonObject): void {
  if (Object.keys(parameters).some((name) => name.startsWith('shared_memory_')))
    throw invalidBody(`The parameters of ${where} name shared memory, which this server does not use.`);
}

/** @throws {Problem} invalid_body for a type of content that isn't read */
function isBase64(where: string, contentType: unknown, { name }: Datatype): boolean {
  if (PLAIN_CONTENT.has(contentType)) return false;
  if (contentType !== BASE64)
    throw invalidBody(`${where} has a content type other than np, pd, str and base64.`);
  if (name !== 'BYTES') throw invalidBody(`${where} has the content type base64, which is for BYTES.`);
  return true;
}

const hasValue = (member: unknown): boolean => member !== undefined && member !== null;

/** The elements in `data`, or in binary data of this size. @throws {Problem} invalid_body */
function readElements(
  where: string,
  data: unknown,
  datatype: Datatype,
  shape: Tensor['shape'],
  size: unknown,
  take: TakeBytes,
): unknown[] {
  if (size === undefined) return readJsonElements(where, data, shape);
  if (hasValue(data)) throw invalidBody(`${where} has both "data" and binary data.`);
  if (!isDimension(size))
    throw invalidBody(`The "binary_data_size" of ${where.toLowerCase()} must be an integer.`);
  const [rows, width = 1] = shape;
  return readBinaryElements(where, datatype, take(where, size as number), rows * width);
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
  const { name, shape, data, contents } = input;
  if (typeof name !== 'string') throw invalidBody(`${where} needs a "name".`);
  if (!Array.isArray(shape) || shape.length < 1 || shape.length > 2 || !shape.every(isDimension)) {
    throw invalidBody(`${where} needs a "shape" of one or two dimensions: [rows] or [rows, columns].`);
  }
  const datatype = findDatatype(input['datatype']);
  if (!datatype) {
    const called = JSON.stringify(cutName(name));
    throw invalidBody(`${where}, ${called}, needs a "datatype", one of ${DATATYPE_NAMES.join(', ')}.`);
  }
  const parameters = readParameters(`input ${index}`, input['parameters']);
  refuseSharedMemory(`input ${index}`, parameters);
  const encoded = isBase64(where, parameters['content_type'], datatype);
  const dimensions = shape as unknown as Tensor['shape'];
  const size = parameters['binary_data_size'];
  const values = hasValue(contents)
    ? readJsonElements(where, readContents(where, contents, datatype), dimensions)
    : readElements(where, data, datatype, dimensions, size, take);
  if (hasValue(contents) && (hasValue(data) || size !== undefined))
    throw invalidBody(`${where} has "contents" beside other data.`);
  // The texts of `contents` are decoded whatever the type of content.
  const isEncoded = encoded && !hasValue(contents);
  return { name, datatype, shape: dimensions, values: isEncoded ? values.map(decodeBase64) : values };
}
