import type { Input } from '../model/signature.ts';
import * as field from '../../worker/onnx/wireFields.ts';
import { readMessage } from '../../worker/onnx/wireFields.ts';
import { FLOAT } from '../../worker/onnx/elementTypes.ts';
import { OnnxRefused } from '../../worker/onnx/onnxRefused.ts';
import { readValue } from '../../worker/onnx/value.ts';

/** Names of the graph inputs that are float32 tensors. Nodes and weights are skipped, so that size costs nothing. */
function floatInputs(onnx: Uint8Array): ReadonlySet<string> {
  const names = new Set<string>();
  const input = field.bytes((raw) => {
    const { name, elementType } = readValue(raw);
    if (elementType === FLOAT) names.add(name);
  });
  try {
    readMessage(onnx, 'the file', {
      7: field.bytes((graph) => readMessage(graph, 'the graph', { 11: input })),
    });
  } catch (error) {
    // What can't be read is refused where it is opened.
    if (!(error instanceof OnnxRefused)) throw error;
  }
  return names;
}

/** The columns, with those marked that a float32 tensor takes, and examples that it holds. */
export function withFloat32(inputs: readonly Input[], onnx: Uint8Array): readonly Input[] {
  const floats = floatInputs(onnx);
  return inputs.map((input) => {
    if (!floats.has(input.onnx)) return input;
    const { type, example } = input;
    const held = type === 'integer' && typeof example === 'number';
    return { ...input, float32: true, ...(held && { example: Math.fround(example) }) };
  });
}
