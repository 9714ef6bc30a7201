import type { ColumnType, Input, Signature } from '../model/signature.ts';
import type { ElementType } from '../../worker/onnx/elementTypes.ts';
import type { ModelSpec, ValueSpec } from './buildModel.ts';
import { ML } from './buildModel.ts';
import type { RandomGraph, Wire } from './randomGraph.ts';
import { createRandomGraph } from './randomGraph.ts';
import {
  TEXTS,
  arithmetic,
  binarizer,
  cast,
  imputer,
  labelEncoder,
  oneHot,
  reshape,
  scaler,
  select,
  swap,
  vectorizer,
} from './randomOperators.ts';

/** A graph of encoders, its columns and the output at which their matrix can be read. */
export interface Generated {
  readonly spec: ModelSpec;
  readonly signature: Signature;
}

const identity = (graph: RandomGraph, from: Wire): Wire => graph.node('Identity', [from.name], from);
const randomCast = (graph: RandomGraph, from: Wire): Wire =>
  cast(graph, from, graph.pick(['float', 'double', 'int64', 'bool']));

/** Adds a graph input, and the columns that feed it. */
function addInput({ name, next, pick, some }: RandomGraph, inputs: ValueSpec[], columns: Input[]): Wire {
  const element = pick<ElementType>([
    'string',
    'string',
    'float',
    'float',
    'double',
    'int64',
    'int32',
    'bool',
  ]);
  const types: Readonly<Record<ElementType, readonly ColumnType[]>> = {
    string: ['string'],
    float: ['number', 'integer', 'boolean'],
    double: ['number', 'integer'],
    int64: ['integer', 'boolean'],
    uint8: [],
    int32: ['boolean'],
    bool: ['boolean'],
  };
  const key = name();
  const width = next(4) === 0 ? 2 : 1;
  const nullable = (element === 'float' || element === 'double') && next(2) === 0;
  for (let column = 0; column < width; column++) {
    const type = pick(types[element]);
    columns.push({
      name: `${key}.${column}`,
      onnx: key,
      type,
      nullable,
      ...(type === 'string' ? { categories: [...new Set(some(TEXTS, 3))] } : {}),
      ...(type === 'number' || type === 'integer' ? { range: [-5, 120] as const } : {}),
    });
  }
  inputs.push({ name: key, element, dims: ['N', width] });
  return { name: key, element, dims: [width], nan: nullable };
}

/**
 * Makes a random graph of the operators that the lifting pass supports, in types and shapes that ONNX Runtime accepts.
 *
 * @param next a random integer from 0 to below its argument
 */
export function generateModel(next: (below: number) => number): Generated {
  const inputs: ValueSpec[] = [];
  const columns: Input[] = [];
  const mlVersion = 3 + next(2);
  const graph = createRandomGraph(next);
  const { nodes, constants, node, pick } = graph;

  /** One random step that the tensor's type and shape allow. */
  const step = (wire: Wire): Wire => {
    const { element, dims, nan } = wire;
    const isMatrix = dims.length === 1;
    const steps: ((graph: RandomGraph, from: Wire) => Wire)[] = [select, identity];
    // There is no Split for bools.
    if (element !== 'bool') steps.push(swap);
    if (element !== 'bool' && element !== 'int32' && element !== 'double') steps.push(labelEncoder);
    if (isMatrix && element !== 'bool' && element !== 'int32') steps.push(oneHot);
    if (!isMatrix) steps.push(reshape);
    if (element !== 'string') steps.push(randomCast);
    if (isMatrix && (element === 'float' || element === 'double')) steps.push(arithmetic, arithmetic);
    if (isMatrix && element !== 'string' && element !== 'bool') steps.push(scaler, vectorizer);
    if (isMatrix && (element === 'float' || element === 'int64')) steps.push(imputer);
    if (element === 'float' && !nan) steps.push(binarizer);
    return pick(steps)(graph, wire);
  };
  const steps = (wire: Wire, most: number): Wire => {
    let current = wire;
    for (let count = next(most + 1); count > 0; count--) current = step(current);
    return current;
  };
  /** Converts a tensor to the form in which tensors are joined. */
  const toMatrix = (wire: Wire): Wire => {
    const text = wire.element === 'string' ? labelEncoder(graph, wire) : wire;
    const flat = text.dims.length === 1 ? text : reshape(graph, text);
    if (flat.element === 'string') return toMatrix(oneHot(graph, flat));
    return flat.element === 'float' ? flat : cast(graph, flat, 'float');
  };
  const join = (wires: readonly Wire[]): Wire =>
    node(
      'Concat',
      wires.map((wire) => wire.name),
      {
        element: 'float',
        dims: [wires.reduce((sum, wire) => sum + (wire.dims[0] as number), 0)],
        nan: wires.some((wire) => wire.nan),
      },
      { axis: { int: pick([1, -1]) } },
    );

  const sources = Array.from({ length: 1 + next(4) }, () => addInput(graph, inputs, columns));
  const encoded = sources.map((wire) => toMatrix(steps(wire, 4)));
  // The order of the columns isn't that of the inputs.
  const shuffled = encoded.map((wire) => ({ wire, at: next(100) })).sort((a, b) => a.at - b.at);
  const matrix = toMatrix(steps(join(shuffled.map(({ wire }) => wire)), 2));
  // The pass doesn't support it, so the matrix ends here; it changes no value.
  nodes.push({
    op: 'Transpose',
    domain: '',
    inputs: [matrix.name],
    outputs: ['out'],
    attributes: { perm: { ints: [0, 1] } },
  });
  return {
    spec: {
      inputs,
      nodes,
      constants,
      outputs: [{ name: 'out', element: 'float', dims: ['N', matrix.dims[0] as number] }],
      opsets: { '': 18, [ML]: mlVersion },
    },
    signature: { task: 'regression', inputs: columns, outputs: { value: 'out' } },
  };
}
