import type { Input } from '../../model/signature.ts';
import type { ElementType } from '../../../worker/onnx/elementTypes.ts';
import { elementTypeOf } from '../../../worker/onnx/elementTypes.ts';
import type { OnnxGraph } from '../../../worker/onnx/graph.ts';
import { printable } from '../../../worker/onnx/onnxRefused.ts';
import type { OnnxValue } from '../../../worker/onnx/value.ts';
import type { Compute, SymbolicTensor } from './symbolic.ts';

const asItIs: Compute = (cell) => cell;
const rounded: Compute = (cell) => Math.fround(cell as number);

/** How a cell becomes an element of an input tensor, and which columns may feed it; as in worker/tensors.ts. */
const FEEDS: Readonly<
  Record<ElementType, { holds: readonly Input['type'][]; nan: boolean; compute: Compute }>
> = {
  float: { holds: ['number', 'integer', 'boolean'], nan: true, compute: rounded },
  double: { holds: ['number', 'integer', 'boolean'], nan: true, compute: asItIs },
  int32: { holds: ['boolean'], nan: false, compute: asItIs },
  int64: { holds: ['integer', 'boolean'], nan: false, compute: asItIs },
  uint8: { holds: [], nan: false, compute: asItIs },
  bool: { holds: ['boolean'], nan: false, compute: asItIs },
  string: { holds: ['string'], nan: true, compute: asItIs },
};

/** The columns that feed a graph input, in order; or why they aren't supported. */
function sourceOf(value: OnnxValue, columns: readonly Input[]): SymbolicTensor | string {
  const element = elementTypeOf(value.elementType);
  const shown = printable(value.name);
  if (element === undefined) return `input ${shown} has a type that no column can feed`;
  const { holds, nan, compute } = FEEDS[element];
  const feeding = columns
    .map((column, source) => ({ ...column, source }))
    .filter(({ onnx }) => onnx === value.name);
  if (feeding.length === 0) return `no column feeds the input ${shown}`;
  if (!feeding.every(({ type }) => holds.includes(type)))
    return `input ${shown} has another type than its column`;
  if (!nan && feeding.some(({ nullable }) => nullable)) return `input ${shown} cannot hold a missing value`;
  const [rows, width] = value.dims ?? [];
  if (value.dims?.length !== 2) return `input ${shown} is not declared as a matrix`;
  if ((rows ?? 0) > 0) return `input ${shown} takes a fixed number of rows`;
  if (width !== undefined && width !== 0 && width !== feeding.length)
    return `input ${shown} takes ${width} columns`;
  return {
    element,
    dims: [feeding.length],
    features: feeding.map(({ source }) => ({ source, compute, plain: { missing: NaN } })),
  };
}

/** The graph's inputs as columns of the signature, by name; a string is the reason why one isn't supported. */
export function readGraphInputs(
  graph: OnnxGraph,
  columns: readonly Input[],
): Map<string, SymbolicTensor | string> {
  // An input with the name of a constant has it as its default, and isn't fed.
  const inputs = graph.inputs.filter(({ name }) => !graph.constants.has(name));
  return new Map(inputs.map((value) => [value.name, sourceOf(value, columns)]));
}
