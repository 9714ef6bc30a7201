import type { Input } from '../model/signature.ts';
import type { NarrowTensor } from '../model/tensorLimits.ts';
import { nearestHeld } from '../model/tensorLimits.ts';
import * as field from '../../worker/onnx/wireFields.ts';
import { readMessage } from '../../worker/onnx/wireFields.ts';
import { tensorTypeOf } from '../../worker/onnx/elementTypes.ts';
import { OnnxRefused } from '../../worker/onnx/onnxRefused.ts';
import { readValue } from '../../worker/onnx/value.ts';

/** By the name in ONNX. */
const NARROW: Readonly<Record<string, NarrowTensor>> = {
  float16: 'float16',
  float: 'float32',
  int8: 'int8',
  int16: 'int16',
  int32: 'int32',
  uint8: 'uint8',
  uint16: 'uint16',
  uint32: 'uint32',
  uint64: 'uint64',
};

/** The graph inputs that don't hold every cell. Nodes and weights are skipped, so that size costs nothing. */
function narrowInputs(onnx: Uint8Array): ReadonlyMap<string, NarrowTensor> {
  const found = new Map<string, NarrowTensor>();
  const input = field.bytes((raw) => {
    const { name, elementType } = readValue(raw);
    const tensor = NARROW[tensorTypeOf(elementType) ?? ''];
    if (tensor) found.set(name, tensor);
  });
  try {
    readMessage(onnx, 'the file', {
      7: field.bytes((graph) => readMessage(graph, 'the graph', { 11: input })),
    });
  } catch (error) {
    // What can't be read is refused where it is opened.
    if (!(error instanceof OnnxRefused)) throw error;
  }
  return found;
}

/** The columns, with those marked that such a tensor takes, and examples that it holds. */
export function withNarrowTensors(inputs: readonly Input[], onnx: Uint8Array): readonly Input[] {
  const narrow = narrowInputs(onnx);
  return inputs.map((input) => {
    const tensor = narrow.get(input.onnx);
    if (tensor === undefined) return input;
    const { type, example } = input;
    const held = type === 'integer' && typeof example === 'number';
    return { ...input, tensor, ...(held && { example: nearestHeld(tensor, example) }) };
  });
}
