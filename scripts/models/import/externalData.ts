import { closeSync, fstatSync, openSync, readSync, realpathSync } from 'node:fs';
import { dirname, join, sep } from 'node:path';
import { rewriteMessage } from '../../../worker/onnx/rewrite.ts';
import * as field from '../../../worker/onnx/wireFields.ts';
import { readMessage } from '../../../worker/onnx/wireFields.ts';
import { OnnxRefused, printable } from '../../../worker/onnx/onnxRefused.ts';

// Fields of a TensorProto. https://github.com/onnx/onnx/blob/main/onnx/onnx.proto
const RAW_DATA = 9;
const EXTERNAL_DATA = 13;
const DATA_LOCATION = 14;

/** A protobuf message is smaller than this. */
const MAX_BYTES = 2 ** 31;

/** Reads a part of a file beside the model. @throws {OnnxRefused} */
type ReadPart = (location: string, offset: number, length: number | undefined) => Uint8Array;

/** A tensor with its elements in it; the same bytes if they are there already. */
function pullTensor(bytes: Uint8Array, read: ReadPart): Uint8Array {
  const facts = new Map<string, string>();
  const fact = field.bytes((raw) => {
    let [key, value] = ['', ''];
    readMessage(raw, 'a place of data', {
      1: field.text((text) => (key = text)),
      2: field.text((text) => (value = text)),
    });
    facts.set(key, value);
  });
  readMessage(bytes, 'a tensor', { [EXTERNAL_DATA]: fact });
  const location = facts.get('location');
  if (location === undefined) return bytes;
  const length = facts.get('length');
  const elements = read(
    location,
    Number(facts.get('offset') ?? 0),
    length === undefined ? undefined : Number(length),
  );
  return rewriteMessage(bytes, 'a tensor', { [EXTERNAL_DATA]: null, [DATA_LOCATION]: null }, [
    [RAW_DATA, elements],
  ]);
}

/** The fields of a graph in which tensors stand, nested graphs too. */
function graphFields(read: ReadPart): Parameters<typeof rewriteMessage>[2] {
  const tensor = (bytes: Uint8Array): Uint8Array => pullTensor(bytes, read);
  const graph = (bytes: Uint8Array): Uint8Array => rewriteMessage(bytes, 'a graph', fields);
  const attribute = (bytes: Uint8Array): Uint8Array =>
    rewriteMessage(bytes, 'an attribute', { 5: tensor, 6: graph, 10: tensor, 11: graph });
  const node = (bytes: Uint8Array): Uint8Array => rewriteMessage(bytes, 'a node', { 5: attribute });
  const fields = { 1: node, 5: tensor };
  return fields;
}

/** Reads files of one folder. @throws {OnnxRefused} for a place outside of it, or beyond a file's end */
function createReader(folder: string): { readonly read: ReadPart; readonly close: () => void } {
  const open = new Map<string, number>();
  const home = realpathSync(folder);
  const find = (location: string): number => {
    const known = open.get(location);
    if (known !== undefined) return known;
    let path: string;
    try {
      path = realpathSync(join(home, location));
    } catch {
      throw new OnnxRefused(
        `its weights lie in ${JSON.stringify(printable(location))}, which isn't beside it`,
      );
    }
    if (!path.startsWith(home + sep))
      throw new OnnxRefused(
        `its weights lie in ${JSON.stringify(printable(location))}, outside of its folder`,
      );
    const file = openSync(path, 'r');
    open.set(location, file);
    return file;
  };
  let total = 0;
  return {
    read: (location, offset, wanted) => {
      const file = find(location);
      const { size } = fstatSync(file);
      const length = wanted ?? size - offset;
      if (!(offset >= 0 && length >= 0 && offset + length <= size))
        throw new OnnxRefused(`${JSON.stringify(printable(location))} is shorter than the model says`);
      total += length;
      if (total >= MAX_BYTES)
        throw new OnnxRefused('with its weights it has 2 GiB or more, too many for one file');
      const bytes = new Uint8Array(length);
      for (let at = 0; at < length;) {
        const count = readSync(file, bytes, at, length - at, offset + at);
        if (count === 0)
          throw new OnnxRefused(`${JSON.stringify(printable(location))} is shorter than the model says`);
        at += count;
      }
      return bytes;
    },
    close: () => {
      for (const file of open.values()) closeSync(file);
    },
  };
}

/**
 * An ONNX file with the weights in it that lie in files beside it; the same bytes if all are in it.
 *
 * @param path of the file
 * @throws {OnnxRefused} when they can't be read, or don't fit into one file
 */
export function pullExternalData(onnx: Uint8Array, path: string): Uint8Array {
  const { read, close } = createReader(dirname(path));
  try {
    const fields = graphFields(read);
    const graph = (bytes: Uint8Array): Uint8Array => rewriteMessage(bytes, 'the graph', fields);
    const body = (bytes: Uint8Array): Uint8Array =>
      rewriteMessage(bytes, 'a function', { 7: fields[1] as (node: Uint8Array) => Uint8Array });
    const pulled = rewriteMessage(onnx, 'the file', { 7: graph, 25: body });
    if (pulled.length >= MAX_BYTES)
      throw new OnnxRefused('with its weights it has 2 GiB or more, too many for one file');
    return pulled;
  } finally {
    close();
  }
}
