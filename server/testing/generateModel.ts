import type { ColumnType, Input, Signature } from '../model/signature.ts';
import type { ElementType } from '../../worker/onnx/elementTypes.ts';
import type { AttributeSpec, ModelSpec, NodeSpec, TensorSpec, ValueSpec } from './buildModel.ts';
import { ML } from './buildModel.ts';

/** A graph of encoders, its columns and the output at which their matrix can be read. */
export interface Generated {
  readonly spec: ModelSpec;
  readonly signature: Signature;
}

/** A tensor on its way through the graph. */
interface Wire {
  readonly name: string;
  readonly element: ElementType;
  /** Without the rows. */
  readonly dims: readonly number[];
  /** Whether it may hold NaN. */
  readonly nan: boolean;
}

const FLOATS = [0, -0, 1, -1, 0.1, 1 / 3, 2.5, -7.25, 100, 1e-30, 123456.789, 16777217, -3e9, 1e30].map(
  Math.fround,
);
const INTEGERS = [0, 1, -1, 2, 7, 40, 100, -500, 16777217, 2 ** 31, -(2 ** 33), 2 ** 53 - 1];
const TEXTS = ['', ' ', 'a', ' a', 'b', 'Größe', '学士', 'a', 'nan', '0'];

const size = (dims: readonly number[]): number => dims.reduce((product, dim) => product * dim, 1);

/**
 * Makes a random graph out of the operators that the lifting pass follows, in types and shapes that ONNX Runtime takes.
 *
 * @param next a random integer from 0 to below its argument
 */
export function generateModel(next: (below: number) => number): Generated {
  const nodes: NodeSpec[] = [];
  const constants: Record<string, TensorSpec> = {};
  const inputs: ValueSpec[] = [];
  const columns: Input[] = [];
  const mlVersion = 3 + next(2);
  let names = 0;
  const name = (): string => `t${names++}`;
  const pick = <T>(list: readonly T[]): T => list[next(list.length)] as T;
  const some = <T>(list: readonly T[], count: number): T[] => Array.from({ length: count }, () => pick(list));

  const constant = (
    element: ElementType,
    dims: readonly number[],
    values: readonly (number | string)[],
  ): string => {
    const key = name();
    constants[key] = { element, dims, values };
    return key;
  };
  const node = (
    op: string,
    from: readonly string[],
    to: Omit<Wire, 'name'>,
    attributes: Readonly<Record<string, AttributeSpec>> = {},
    domain = '',
  ): Wire => {
    const output = name();
    nodes.push({ op, domain, inputs: from, outputs: [output], attributes });
    return { ...to, name: output };
  };
  const cast = (wire: Wire, to: ElementType): Wire => {
    const number = { float: 1, uint8: 2, int32: 6, int64: 7, string: 8, bool: 9, double: 11 }[to];
    const nan = wire.nan && (to === 'float' || to === 'double');
    return node('Cast', [wire.name], { ...wire, element: to, nan }, { to: { int: number } });
  };
  const reshape = (wire: Wire): Wire => {
    const width = size(wire.dims);
    return node('Reshape', [wire.name, constant('int64', [2], [-1, width])], { ...wire, dims: [width] });
  };

  const values = (element: ElementType, count: number): (number | string)[] =>
    some<number | string>(element === 'string' ? TEXTS : element === 'int64' ? INTEGERS : FLOATS, count);
  const suffix = (element: ElementType): string =>
    ({ string: 'strings', int64: 'int64s' })[element as 'string'] ?? 'floats';
  const listOf = (element: ElementType, list: readonly (number | string)[]): AttributeSpec => {
    if (element === 'string') return { strings: list as string[] };
    const numbers = list as number[];
    const packed = next(2) === 0;
    return element === 'int64' ? { ints: numbers, packed } : { floats: numbers, packed };
  };
  const oneOf = (element: ElementType, value: number | string): AttributeSpec =>
    element === 'string'
      ? { string: value as string }
      : element === 'int64'
        ? { int: value as number }
        : { float: value as number };

  const labelEncoder = (wire: Wire): Wire => {
    const to = pick<ElementType>(['float', 'int64', 'string']);
    const keys = [...new Set(values(wire.element, 1 + next(5)))];
    if (wire.element === 'float' && next(2) === 0) keys[0] = NaN;
    const count = keys.length;
    const attributes: Record<string, AttributeSpec> = {
      [`keys_${suffix(wire.element)}`]: listOf(wire.element, keys),
      [`values_${suffix(to)}`]: listOf(to, values(to, count)),
    };
    if (next(2) === 0)
      attributes[`default_${suffix(to).slice(0, -1)}`] = oneOf(to, values(to, 1)[0] as number);
    return node('LabelEncoder', [wire.name], { ...wire, element: to, nan: false }, attributes, ML);
  };
  const oneHot = (wire: Wire): Wire => {
    const element = wire.element === 'string' ? 'string' : 'int64';
    const categories = values(element, 1 + next(5));
    const attributes: Record<string, AttributeSpec> = {
      [`cats_${suffix(element)}`]: listOf(element, categories),
    };
    if (next(2) === 0) attributes['zeros'] = { int: 1 };
    const dims = [...wire.dims, categories.length];
    return node(
      'OneHotEncoder',
      [wire.name],
      { ...wire, element: 'float', dims, nan: false },
      attributes,
      ML,
    );
  };
  const select = (wire: Wire): Wire => {
    const last = wire.dims.at(-1) as number;
    const places = Array.from({ length: 1 + next(3) }, () => next(last));
    const dims = [...wire.dims.slice(0, -1), places.length];
    const key = constant('int64', [places.length], places);
    // There is no ArrayFeatureExtractor for bools.
    if (next(2) === 0 && wire.element !== 'bool') {
      return node('ArrayFeatureExtractor', [wire.name, key], { ...wire, dims }, {}, ML);
    }
    return node(
      'Gather',
      [wire.name, key],
      { ...wire, dims },
      { axis: { int: next(2) === 0 ? -1 : wire.dims.length } },
    );
  };
  /** Cuts a tensor in two along some dimension and joins the parts in the other order. */
  const swap = (wire: Wire): Wire => {
    const axis = next(wire.dims.length);
    const whole = wire.dims[axis] as number;
    const first = next(whole + 1);
    const parts = [name(), name()];
    nodes.push({
      op: 'Split',
      domain: '',
      inputs: [wire.name, constant('int64', [2], [first, whole - first])],
      outputs: parts,
      attributes: { axis: { int: axis + 1 } },
    });
    return node('Concat', parts.toReversed(), wire, { axis: { int: axis + 1 } });
  };
  const arithmetic = (wire: Wire): Wire => {
    const [width] = wire.dims as [number];
    const count = next(2) === 0 ? 1 : width;
    const op = pick(['Add', 'Sub', 'Mul', 'Div']);
    const numbers = (wire.element === 'float' ? FLOATS : [...FLOATS, 0.1, 1e200])
      // The optimizer leaves out x + 0 and x - -0, which would have turned -0 into 0.
      .filter((number) => number !== 0 || (op !== 'Add' && op !== 'Sub'));
    const operand = constant(wire.element, pick([[count], [1, count]]), some(numbers, count));
    const operands = next(3) === 0 ? [operand, wire.name] : [wire.name, operand];
    return node(op, operands, { ...wire, nan: true });
  };
  const scaler = (wire: Wire): Wire => {
    const count = next(2) === 0 ? 1 : (wire.dims[0] as number);
    const attributes = {
      offset: { floats: some(FLOATS, count), packed: next(2) === 0 },
      scale: { floats: some(FLOATS, count) },
    };
    return node('Scaler', [wire.name], { ...wire, element: 'float', nan: true }, attributes, ML);
  };
  const imputer = (wire: Wire): Wire => {
    const count = next(2) === 0 ? 1 : (wire.dims[0] as number);
    if (wire.element === 'int64') {
      const attributes = {
        imputed_value_int64s: { ints: some(INTEGERS, count) },
        replaced_value_int64: { int: pick([...INTEGERS, -(2 ** 63)]) },
      };
      return node('Imputer', [wire.name], wire, attributes, ML);
    }
    const replaced = next(2) === 0 ? NaN : pick(FLOATS);
    const attributes = {
      imputed_value_floats: { floats: some(FLOATS, count) },
      replaced_value_float: { float: replaced },
    };
    return node(
      'Imputer',
      [wire.name],
      { ...wire, nan: wire.nan && !Number.isNaN(replaced) },
      attributes,
      ML,
    );
  };
  const binarizer = (wire: Wire): Wire =>
    node('Binarizer', [wire.name], wire, { threshold: { float: pick(FLOATS) } }, ML);
  const vectorizer = (wire: Wire): Wire =>
    node(
      'FeatureVectorizer',
      [wire.name],
      { ...wire, element: 'float' },
      { inputdimensions: { ints: [...wire.dims] } },
      ML,
    );

  /** One random step that the tensor's type and shape allow. */
  const step = (wire: Wire): Wire => {
    const { element, dims, nan } = wire;
    const isMatrix = dims.length === 1;
    const steps: ((from: Wire) => Wire)[] = [select, (from) => node('Identity', [from.name], from)];
    // There is no Split for bools.
    if (element !== 'bool') steps.push(swap);
    if (element !== 'bool' && element !== 'int32' && element !== 'double') steps.push(labelEncoder);
    if (isMatrix && element !== 'bool' && element !== 'int32') steps.push(oneHot);
    if (!isMatrix) steps.push(reshape);
    if (element !== 'string') steps.push((from) => cast(from, pick(['float', 'double', 'int64', 'bool'])));
    if (isMatrix && (element === 'float' || element === 'double')) steps.push(arithmetic, arithmetic);
    if (isMatrix && element !== 'string' && element !== 'bool') steps.push(scaler, vectorizer);
    if (isMatrix && (element === 'float' || element === 'int64')) steps.push(imputer);
    if (element === 'float' && !nan) steps.push(binarizer);
    return pick(steps)(wire);
  };
  const steps = (wire: Wire, most: number): Wire => {
    let current = wire;
    for (let count = next(most + 1); count > 0; count--) current = step(current);
    return current;
  };
  /** Brings a tensor into the form in which tensors are joined. */
  const toMatrix = (wire: Wire): Wire => {
    const text = wire.element === 'string' ? labelEncoder(wire) : wire;
    const flat = text.dims.length === 1 ? text : reshape(text);
    if (flat.element === 'string') return toMatrix(oneHot(flat));
    return flat.element === 'float' ? flat : cast(flat, 'float');
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

  /** A graph input with the columns that feed it. */
  const source = (): Wire => {
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
  };

  const sources = Array.from({ length: 1 + next(4) }, source);
  const encoded = sources.map((wire) => toMatrix(steps(wire, 4)));
  // The order of the columns isn't that of the inputs.
  const shuffled = encoded.map((wire) => ({ wire, at: next(100) })).sort((a, b) => a.at - b.at);
  const matrix = toMatrix(steps(join(shuffled.map(({ wire }) => wire)), 2));
  // Not column-wise as far as the pass knows, yet it leaves every bit alone.
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
