import { invalidBody, isObject } from '../forms/json.ts';
import type { Datatype } from './datatypes.ts';
import { decodeBase64 } from './elements.ts';

/** The member of gRPC's InferTensorContents that holds a datatype. Types of 16 bits have none. */
const MEMBERS: Readonly<Record<string, string>> = {
  BOOL: 'bool_contents',
  INT8: 'int_contents',
  INT16: 'int_contents',
  INT32: 'int_contents',
  INT64: 'int64_contents',
  UINT8: 'uint_contents',
  UINT16: 'uint_contents',
  UINT32: 'uint_contents',
  UINT64: 'uint64_contents',
  FP32: 'fp32_contents',
  FP64: 'fp64_contents',
  BYTES: 'bytes_contents',
};

const camelCase = (name: string): string => name.replace(/_c/, 'C');

/** Integers of 64 bits are texts there, and bytes are base64. Any other value is left to the check of its column. */
function readElement(value: unknown, datatype: string): unknown {
  if (datatype === 'BYTES') return decodeBase64(value);
  const isLong = datatype === 'INT64' || datatype === 'UINT64';
  return isLong && typeof value === 'string' && /^-?\d{1,20}$/.test(value) ? Number(value) : value;
}

/** The list in `contents` of a datatype's elements. @throws {Problem} invalid_body for a datatype without one */
export function memberOf(where: string, datatype: string): string {
  const member = MEMBERS[datatype];
  if (member === undefined)
    throw invalidBody(`${where} has no "contents" for ${datatype}: send binary data, or "data" in JSON.`);
  return member;
}

/**
 * Reads the elements of an input from `contents`, which stands for `data` in the JSON of gRPC's messages.
 *
 * @throws {Problem} invalid_body
 */
export function readContents(where: string, contents: unknown, { name }: Datatype): unknown[] {
  const member = memberOf(where, name);
  const [key, ...more] = isObject(contents) ? Object.keys(contents) : [];
  const isMember = more.length === 0 && (key === member || key === camelCase(member));
  const list = isMember ? (contents as Readonly<Record<string, unknown>>)[key] : undefined;
  if (!Array.isArray(list)) throw invalidBody(`${where} needs a list "${member}" alone in its "contents".`);
  return list.map((value: unknown) => readElement(value, name));
}
