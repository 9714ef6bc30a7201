import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire';
import type { OnnxModel } from './model.ts';
import type { OnnxNode } from './node.ts';
import { copy, message } from './write.ts';

/** The nodes that a tensor depends on, in their order. */
function nodesBefore({ graph }: OnnxModel, name: string): OnnxNode[] {
  const needed = new Set([name]);
  const kept = graph.nodes.toReversed().filter((node) => {
    if (!node.outputs.some((output) => needed.has(output))) return false;
    for (const input of node.inputs) needed.add(input);
    return true;
  });
  return kept.toReversed();
}

/**
 * What a model computes before one of its tensors, as an ONNX file without outputs: small, where the weights stand behind
 * it. Inputs, nodes and constants are copied byte by byte.
 */
export function writeOrigin(model: OnnxModel, name: string): Uint8Array {
  const { constants, inputs } = model.graph;
  const nodes = nodesBefore(model, name);
  const used = new Set([...nodes.flatMap((node) => node.inputs), ...inputs.map((input) => input.name)]);
  const writer = new BinaryWriter();

  writer.tag(1, WireType.Varint).int64(model.irVersion);
  message(writer, 7, () => {
    for (const { raw } of nodes) copy(writer, 1, raw);
    for (const constant of constants.values()) if (used.has(constant.name)) copy(writer, 5, constant.raw);
    for (const { raw } of inputs) copy(writer, 11, raw);
  });
  for (const raw of model.rawOpsets) copy(writer, 8, raw);
  return writer.finish();
}
