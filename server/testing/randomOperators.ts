import type { ElementType } from '../../worker/onnx/elementTypes.ts';
import type { AttributeSpec } from './buildModel.ts';
import { ML } from './buildModel.ts';
import type { RandomGraph, Wire } from './randomGraph.ts';

/** Operators with random parameters, each in types and shapes that ONNX Runtime accepts. */

const FLOATS = [0, -0, 1, -1, 0.1, 1 / 3, 2.5, -7.25, 100, 1e-30, 123456.789, 16777217, -3e9, 1e30].map(
  Math.fround,
);
const INTEGERS = [0, 1, -1, 2, 7, 40, 100, -500, 16777217, 2 ** 31, -(2 ** 33), 2 ** 53 - 1];

export const TEXTS = ['', ' ', 'a', ' a', 'b', 'Größe', '学士', 'a', 'nan', '0'];

const size = (dims: readonly number[]): number => dims.reduce((product, dim) => product * dim, 1);

export const cast = (graph: RandomGraph, wire: Wire, to: ElementType): Wire => {
  const number = { float: 1, uint8: 2, int32: 6, int64: 7, string: 8, bool: 9, double: 11 }[to];
  const nan = wire.nan && (to === 'float' || to === 'double');
  return graph.node('Cast', [wire.name], { ...wire, element: to, nan }, { to: { int: number } });
};

export const reshape = (graph: RandomGraph, wire: Wire): Wire => {
  const width = size(wire.dims);
  return graph.node('Reshape', [wire.name, graph.constant('int64', [2], [-1, width])], {
    ...wire,
    dims: [width],
  });
};

const values = (graph: RandomGraph, element: ElementType, count: number): (number | string)[] =>
  graph.some<number | string>(element === 'string' ? TEXTS : element === 'int64' ? INTEGERS : FLOATS, count);
const suffix = (element: ElementType): string =>
  ({ string: 'strings', int64: 'int64s' })[element as 'string'] ?? 'floats';
const listOf = (
  graph: RandomGraph,
  element: ElementType,
  list: readonly (number | string)[],
): AttributeSpec => {
  if (element === 'string') return { strings: list as string[] };
  const numbers = list as number[];
  const packed = graph.next(2) === 0;
  return element === 'int64' ? { ints: numbers, packed } : { floats: numbers, packed };
};
const oneOf = (element: ElementType, value: number | string): AttributeSpec =>
  element === 'string'
    ? { string: value as string }
    : element === 'int64'
      ? { int: value as number }
      : { float: value as number };

export const labelEncoder = (graph: RandomGraph, wire: Wire): Wire => {
  const to = graph.pick<ElementType>(['float', 'int64', 'string']);
  const keys = [...new Set(values(graph, wire.element, 1 + graph.next(5)))];
  if (wire.element === 'float' && graph.next(2) === 0) keys[0] = NaN;
  const count = keys.length;
  const attributes: Record<string, AttributeSpec> = {
    [`keys_${suffix(wire.element)}`]: listOf(graph, wire.element, keys),
    [`values_${suffix(to)}`]: listOf(graph, to, values(graph, to, count)),
  };
  if (graph.next(2) === 0)
    attributes[`default_${suffix(to).slice(0, -1)}`] = oneOf(to, values(graph, to, 1)[0] as number);
  return graph.node('LabelEncoder', [wire.name], { ...wire, element: to, nan: false }, attributes, ML);
};

export const oneHot = (graph: RandomGraph, wire: Wire): Wire => {
  const element = wire.element === 'string' ? 'string' : 'int64';
  const categories = values(graph, element, 1 + graph.next(5));
  const attributes: Record<string, AttributeSpec> = {
    [`cats_${suffix(element)}`]: listOf(graph, element, categories),
  };
  if (graph.next(2) === 0) attributes['zeros'] = { int: 1 };
  const dims = [...wire.dims, categories.length];
  return graph.node(
    'OneHotEncoder',
    [wire.name],
    { ...wire, element: 'float', dims, nan: false },
    attributes,
    ML,
  );
};

export const select = (graph: RandomGraph, wire: Wire): Wire => {
  const last = wire.dims.at(-1) as number;
  const places = Array.from({ length: 1 + graph.next(3) }, () => graph.next(last));
  const dims = [...wire.dims.slice(0, -1), places.length];
  const key = graph.constant('int64', [places.length], places);
  // There is no ArrayFeatureExtractor for bools.
  if (graph.next(2) === 0 && wire.element !== 'bool') {
    return graph.node('ArrayFeatureExtractor', [wire.name, key], { ...wire, dims }, {}, ML);
  }
  return graph.node(
    'Gather',
    [wire.name, key],
    { ...wire, dims },
    { axis: { int: graph.next(2) === 0 ? -1 : wire.dims.length } },
  );
};
/** Cuts a tensor in two along some dimension and joins the parts in the other order. */
export const swap = (graph: RandomGraph, wire: Wire): Wire => {
  const axis = graph.next(wire.dims.length);
  const whole = wire.dims[axis] as number;
  const first = graph.next(whole + 1);
  const parts = [graph.name(), graph.name()];
  graph.nodes.push({
    op: 'Split',
    domain: '',
    inputs: [wire.name, graph.constant('int64', [2], [first, whole - first])],
    outputs: parts,
    attributes: { axis: { int: axis + 1 } },
  });
  return graph.node('Concat', parts.toReversed(), wire, { axis: { int: axis + 1 } });
};

export const arithmetic = (graph: RandomGraph, wire: Wire): Wire => {
  const [width] = wire.dims as [number];
  const count = graph.next(2) === 0 ? 1 : width;
  const op = graph.pick(['Add', 'Sub', 'Mul', 'Div']);
  const numbers = (wire.element === 'float' ? FLOATS : [...FLOATS, 0.1, 1e200])
    // The optimizer leaves out x + 0 and x - -0, which would have turned -0 into 0.
    .filter((number) => number !== 0 || (op !== 'Add' && op !== 'Sub'));
  const operand = graph.constant(wire.element, graph.pick([[count], [1, count]]), graph.some(numbers, count));
  const operands = graph.next(3) === 0 ? [operand, wire.name] : [wire.name, operand];
  return graph.node(op, operands, { ...wire, nan: true });
};

export const scaler = (graph: RandomGraph, wire: Wire): Wire => {
  const count = graph.next(2) === 0 ? 1 : (wire.dims[0] as number);
  const attributes = {
    offset: { floats: graph.some(FLOATS, count), packed: graph.next(2) === 0 },
    scale: { floats: graph.some(FLOATS, count) },
  };
  return graph.node('Scaler', [wire.name], { ...wire, element: 'float', nan: true }, attributes, ML);
};

export const imputer = (graph: RandomGraph, wire: Wire): Wire => {
  const count = graph.next(2) === 0 ? 1 : (wire.dims[0] as number);
  if (wire.element === 'int64') {
    const attributes = {
      imputed_value_int64s: { ints: graph.some(INTEGERS, count) },
      replaced_value_int64: { int: graph.pick([...INTEGERS, -(2 ** 63)]) },
    };
    return graph.node('Imputer', [wire.name], wire, attributes, ML);
  }
  const replaced = graph.next(2) === 0 ? NaN : graph.pick(FLOATS);
  const attributes = {
    imputed_value_floats: { floats: graph.some(FLOATS, count) },
    replaced_value_float: { float: replaced },
  };
  return graph.node(
    'Imputer',
    [wire.name],
    { ...wire, nan: wire.nan && !Number.isNaN(replaced) },
    attributes,
    ML,
  );
};

export const binarizer = (graph: RandomGraph, wire: Wire): Wire =>
  graph.node('Binarizer', [wire.name], wire, { threshold: { float: graph.pick(FLOATS) } }, ML);

export const vectorizer = (graph: RandomGraph, wire: Wire): Wire =>
  graph.node(
    'FeatureVectorizer',
    [wire.name],
    { ...wire, element: 'float' },
    { inputdimensions: { ints: [...wire.dims] } },
    ML,
  );
