import { BinaryReader, BinaryWriter, WireType } from '@bufbuild/protobuf/wire';
import type { OnnxNode } from './node.ts';
import { MAX_GROUP_DEPTH, guard, readMessage } from './wireFields.ts';
import * as field from './wireFields.ts';

const ATTRIBUTE = 'nodes_hitrates';
/** AttributeProto.FLOATS. */
const FLOATS_TYPE = 6;

/** Copies a message field by field, but for those of one number: what `change` returns takes the place of each. */
function copyFields(
  bytes: Uint8Array,
  number: number,
  change: (content: Uint8Array) => readonly Uint8Array[],
): Uint8Array {
  const reader = new BinaryReader(bytes);
  const writer = new BinaryWriter();
  guard('a message', () => {
    while (reader.pos < reader.len) {
      const start = reader.pos;
      const [found, wire] = reader.tag();
      if (found === number && wire === WireType.LengthDelimited) {
        for (const content of change(reader.bytes()))
          writer.tag(number, WireType.LengthDelimited).bytes(content);
        continue;
      }
      reader.skip(wire, found, MAX_GROUP_DEPTH);
      writer.raw(bytes.subarray(start, reader.pos));
    }
  });
  return writer.finish();
}

function nameOf(attribute: Uint8Array): string {
  let name = '';
  readMessage(attribute, 'an attribute', { 1: field.text((value) => (name = value)) });
  return name;
}

function writeAttribute(covers: Float32Array): Uint8Array {
  const writer = new BinaryWriter();
  writer.tag(1, WireType.LengthDelimited).string(ATTRIBUTE);
  writer.tag(7, WireType.LengthDelimited).fork();
  for (const cover of covers) writer.float(cover);
  writer.join();
  return writer.tag(20, WireType.Varint).int32(FLOATS_TYPE).finish();
}

/**
 * An ONNX file whose one tree ensemble has these covers, one a node; all else is copied byte by byte.
 *
 * @throws {OnnxRefused} when the file is damaged
 */
export function writeCovers(onnx: Uint8Array, { outputs }: OnnxNode, covers: Float32Array): Uint8Array {
  const isTree = (node: Uint8Array): boolean => {
    const names: string[] = [];
    readMessage(node, 'a node', { 2: field.text((name) => names.push(name)) });
    return names.length === outputs.length && names.every((name, at) => name === outputs[at]);
  };
  const withCovers = (node: Uint8Array): Uint8Array => {
    const others = copyFields(node, 5, (attribute) => (nameOf(attribute) === ATTRIBUTE ? [] : [attribute]));
    const writer = new BinaryWriter().raw(others);
    return writer.tag(5, WireType.LengthDelimited).bytes(writeAttribute(covers)).finish();
  };
  return copyFields(onnx, 7, (graph) => [
    copyFields(graph, 1, (node) => [isTree(node) ? withCovers(node) : node]),
  ]);
}
