import { isUtf8 } from 'node:buffer';
import { invalidBody, invalidForm } from '../forms/json.ts';
import type { Datatype } from './datatypes.ts';
import { NOT_BASE64, NOT_TEXT } from './datatypes.ts';

/** Size of the length before each element of a BYTES tensor: an unsigned little-endian integer. */
const LENGTH_BYTES = 4;

const toText = (bytes: Buffer): unknown => (isUtf8(bytes) ? bytes.toString('utf8') : NOT_TEXT);

/** The text of an element in base64. A value that is no text is left to the check of its column. */
export function decodeBase64(value: unknown): unknown {
  if (typeof value !== 'string') return value;
  const bytes = Buffer.from(value, 'base64');
  // Buffer skips what isn't base64.
  return bytes.toString('base64').replace(/=+$/, '') === value.replace(/={0,2}$/, '')
    ? toText(bytes)
    : NOT_BASE64;
}

function readTexts(where: string, bytes: Buffer, count: number): unknown[] {
  const values: unknown[] = [];
  let at = 0;
  while (at < bytes.length) {
    if (bytes.length - at < LENGTH_BYTES) throw invalidBody(`${where} ends within the length of an element.`);
    const length = bytes.readUInt32LE(at);
    at += LENGTH_BYTES;
    if (length > bytes.length - at) throw invalidBody(`${where} ends within an element.`);
    const element = bytes.subarray(at, at + length);
    values.push(toText(element));
    at += length;
  }
  if (values.length !== count) {
    throw invalidBody(`${where} holds ${values.length} elements where its shape has ${count}.`);
  }
  return values;
}

/**
 * Reads the elements of a tensor from binary data. Allocates nothing for a count that the bytes don't hold.
 *
 * @throws {Problem} invalid_body
 */
export function readBinaryElements(
  where: string,
  datatype: Datatype,
  bytes: Buffer,
  count: number,
): unknown[] {
  const { bytes: size, read } = datatype;
  if (size === undefined) return readTexts(where, bytes, count);
  if (bytes.length !== count * size) {
    throw invalidBody(`${where} has ${bytes.length} bytes where its shape needs ${count * size}.`);
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  return Array.from({ length: count }, (_, index) => read(view, index * size));
}

/**
 * Reads the elements of a tensor in JSON, flat or nested by its shape. They come row by row.
 *
 * @throws {Problem} invalid_body
 */
export function readJsonElements(
  where: string,
  data: unknown,
  [rows = 0, width = 1]: readonly number[],
): unknown[] {
  if (!Array.isArray(data))
    throw invalidForm(
      `The "data" of ${where.toLowerCase()}`,
      data,
      `${where} needs its elements as a list in "data".`,
    );
  const list = data as unknown[];
  const nested = Array.isArray(list[0]);
  if (!nested && list.length !== rows * width) {
    throw invalidBody(`${where} holds ${list.length} elements where its shape has ${rows * width}.`);
  }
  if (!nested) return list;
  if (list.length !== rows || list.some((row) => !Array.isArray(row) || row.length !== width)) {
    throw invalidBody(`${where} is not nested as its shape says.`);
  }
  return list.flat();
}
