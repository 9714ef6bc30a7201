import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire';
import { FLOAT } from './elementTypes.ts';
import type { OnnxModel } from './model.ts';
import type { OnnxNode } from './node.ts';

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

/** Writes one field that holds a message. */
function message(writer: BinaryWriter, number: number, write: () => void): void {
  writer.tag(number, WireType.LengthDelimited).fork();
  write();
  writer.join();
}

/** A ValueInfoProto: float [N, features]. */
function writeMatrix(writer: BinaryWriter, name: string, features: number): void {
  const dimension = (write: () => void): void => message(writer, 1, write);
  writer.tag(1, WireType.LengthDelimited).string(name);
  message(writer, 2, () =>
    message(writer, 1, () => {
      writer.tag(1, WireType.Varint).int32(FLOAT);
      message(writer, 2, () => {
        dimension(() => writer.tag(2, WireType.LengthDelimited).string('N'));
        dimension(() => writer.tag(1, WireType.Varint).int64(features));
      });
    }),
  );
}

/** The remainder as an ONNX file. Nodes, constants and outputs are copied byte by byte. */
export function writeRemainder(model: OnnxModel, { input, features, nodes, outputs }: Remainder): Uint8Array {
  const { constants, inputs, outputs: declared } = model.graph;
  const used = new Set(nodes.flatMap((node) => node.inputs));
  const writer = new BinaryWriter();
  const copy = (number: number, raw: Uint8Array): BinaryWriter =>
    writer.tag(number, WireType.LengthDelimited).bytes(raw);

  writer.tag(1, WireType.Varint).int64(model.irVersion);
  message(writer, 7, () => {
    for (const { raw } of nodes) copy(1, raw);
    writer.tag(2, WireType.LengthDelimited).string('remainder');
    for (const { name, raw } of constants.values()) if (used.has(name)) copy(5, raw);
    message(writer, 11, () => writeMatrix(writer, input, features));
    if (model.irVersion < IR_WITH_FREE_CONSTANTS) {
      for (const { name, raw } of inputs) if (used.has(name) && constants.has(name)) copy(11, raw);
    }
    for (const { name, raw } of declared) if (outputs.includes(name)) copy(12, raw);
  });
  for (const raw of model.rawOpsets) copy(8, raw);
  for (const raw of model.rawFunctions) copy(25, raw);
  return writer.finish();
}
