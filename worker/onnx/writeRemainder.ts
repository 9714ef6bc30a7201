import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire';
import { FLOAT } from './elementTypes.ts';
import type { OnnxModel } from './model.ts';
import type { OnnxNode } from './node.ts';
import { copy, message, writeValue } from './write.ts';

/** What remains of a model when everything before one of its tensors is removed. */
export interface Remainder {
  /** The tensor that becomes the only input, float [N, features], under the same name. */
  readonly input: string;
  readonly features: number;
  /** In an order in which they can be run. */
  readonly nodes: readonly OnnxNode[];
  /** Names of graph outputs. */
  readonly outputs: readonly string[];
}

/** In older files a constant must be declared as an input too. https://github.com/onnx/onnx/blob/main/docs/IR.md */
const IR_WITH_FREE_CONSTANTS = 4;

/** The remainder as an ONNX file. Nodes, constants and outputs are copied byte by byte. */
export function writeRemainder(model: OnnxModel, { input, features, nodes, outputs }: Remainder): Uint8Array {
  const { constants, inputs, outputs: declared } = model.graph;
  const used = new Set(nodes.flatMap((node) => node.inputs));
  const writer = new BinaryWriter();

  writer.tag(1, WireType.Varint).int64(model.irVersion);
  message(writer, 7, () => {
    for (const { raw } of nodes) copy(writer, 1, raw);
    writer.tag(2, WireType.LengthDelimited).string('remainder');
    for (const { name, raw } of constants.values()) if (used.has(name)) copy(writer, 5, raw);
    copy(writer, 11, writeValue(input, FLOAT, ['N', features]));
    if (model.irVersion < IR_WITH_FREE_CONSTANTS) {
      for (const { name, raw } of inputs) if (used.has(name) && constants.has(name)) copy(writer, 11, raw);
    }
    for (const { name, raw } of declared) if (outputs.includes(name)) copy(writer, 12, raw);
  });
  for (const raw of model.rawOpsets) copy(writer, 8, raw);
  for (const raw of model.rawFunctions) copy(writer, 25, raw);
  return writer.finish();
}
