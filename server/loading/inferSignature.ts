import type { TensorType } from '../../worker/onnx/elementTypes.ts';
import { tensorTypeOf } from '../../worker/onnx/elementTypes.ts';
import type { OnnxModel } from '../../worker/onnx/model.ts';
import { readModel } from '../../worker/onnx/model.ts';
import { OnnxRefused, printable } from '../../worker/onnx/onnxRefused.ts';
import type { OnnxValue } from '../../worker/onnx/value.ts';
import { SAY_SO, inferOutputs } from './inferOutputs.ts';
import type { ColumnType, Input, Signature } from '../model/signature.ts';

/** Most columns of one matrix, which are named by their numbers. */
const MAX_COLUMNS = 10_000;

const TYPES: Readonly<Record<TensorType, ColumnType>> = {
  float16: 'number',
  float: 'number',
  double: 'number',
  int8: 'integer',
  int16: 'integer',
  int32: 'integer',
  int64: 'integer',
  uint8: 'integer',
  uint16: 'integer',
  uint32: 'integer',
  uint64: 'integer',
  string: 'string',
  bool: 'boolean',
};

const quote = (name: string): string => `"${printable(name)}"`;

/** The columns that feed an input: one by its name, or those of a matrix by their numbers. */
function columnsOf({ name, elementType, dims }: OnnxValue, columns?: number): Input[] {
  const tensor = tensorTypeOf(elementType);
  if (!tensor) throw new OnnxRefused(`input ${quote(name)} has an element type that no column can feed`);
  const type = TYPES[tensor];
  const width = dims?.length === 1 ? 1 : (dims?.[1] ?? columns);
  if (!dims || dims.length === 0 || dims.length > 2 || width === undefined) {
    const rows = dims?.length === 2 ? 'import it with --rows, or ' : '';
    throw new OnnxRefused(`input ${quote(name)} doesn't say how many columns it has; ${rows}${SAY_SO}`);
  }
  if (!Number.isInteger(width) || width < 1 || width > MAX_COLUMNS)
    throw new OnnxRefused(`input ${quote(name)} has an impossible number of columns`);
  const column = (own: string): Input => ({ name: own, onnx: name, type, nullable: false });
  return width === 1 ? [column(name)] : Array.from({ length: width }, (_, at) => column(`${name}_${at}`));
}

/**
 * The columns that an ONNX file's inputs take. No column accepts a missing value, since the file doesn't say which do.
 *
 * @param columns of a matrix that doesn't say how many it has, where it is the only input
 */
export function inferInputs(graph: OnnxModel['graph'], columns?: number): Input[] {
  const fed = graph.inputs.filter(({ name }) => !graph.constants.has(name));
  const inputs = fed.flatMap((value) => columnsOf(value, fed.length === 1 ? columns : undefined));
  if (inputs.length === 0) throw new OnnxRefused('it has no input');
  if (inputs.length > MAX_COLUMNS) throw new OnnxRefused('it has too many inputs');
  if (new Set(inputs.map(({ name }) => name)).size !== inputs.length)
    throw new OnnxRefused(`two of its columns would have one name; ${SAY_SO}`);
  return inputs;
}

/**
 * Infers a signature from an ONNX file: names and types of its inputs, its outputs, its classes.
 *
 * @throws {OnnxRefused}
 */
export function inferSignature(onnx: Uint8Array): Signature {
  const { graph } = readModel(onnx);
  const inputs = inferInputs(graph);
  return { ...inferOutputs(graph), inputs };
}
