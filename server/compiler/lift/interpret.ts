import type { Input } from '../../model/signature.ts';
import type { OnnxModel } from '../../../worker/onnx/model.ts';
import type { OnnxNode } from '../../../worker/onnx/node.ts';
import { holdsGraph } from '../../../worker/onnx/node.ts';
import { OnnxRefused, printable } from '../../../worker/onnx/onnxRefused.ts';
import type { Constant } from '../../../worker/onnx/tensor.ts';
import { decodeTensor } from '../../../worker/onnx/tensor.ts';
import type { Argument } from './operator.ts';
import { operatorFor } from './operators.ts';
import { readGraphInputs } from './graphInputs.ts';
import type { Feature, SymbolicTensor, Table } from './symbolic.ts';
import { NotUnderstood, evaluate } from './symbolic.ts';

/** What the graph computes, as far as its operators are supported. */
export interface Interpretation {
  /** By tensor name. */
  readonly columns: ReadonlyMap<string, SymbolicTensor>;
  /** Names of tensors that don't depend on the row: constants, and what is computed from them alone. */
  readonly constants: ReadonlySet<string>;
  /** Why an input or a node isn't supported, by tensor name; not for nodes whose inputs are the cause. */
  readonly reasons: ReadonlyMap<string, string>;
}

/** Features and table entries in total: a bound against graphs that are made to exhaust time and memory. */
const MAX_WORK = 2_000_000;

/** The most that an operator visits when it maps every feature of a tensor. */
const sizeOf = ({ features }: SymbolicTensor): number =>
  features.reduce((sum, { table }) => sum + 1 + (table?.values.size ?? 0), 0);

/** Decoded at the first use, and only once. */
function lazy<T>(make: () => T): () => T {
  let made: { readonly value: T } | undefined;
  return () => (made ??= { value: make() }).value;
}

/** The tensor of a Constant node. */
const constantNode = (node: OnnxNode): Constant => {
  const value = node.attributes.get('value')?.tensor();
  if (value === undefined) throw new NotUnderstood('takes a constant in a form that is not supported');
  return value;
};

/** Runs the graph once, symbolically: each tensor that depends on single columns becomes functions of one cell. */
export function interpret(model: OnnxModel, signature: readonly Input[]): Interpretation {
  const { graph, opsets } = model;
  const columns = new Map<string, SymbolicTensor>();
  const reasons = new Map<string, string>();
  const constants = new Map<string, () => Constant>();
  for (const [name, tensor] of graph.constants)
    constants.set(
      name,
      lazy(() => decodeTensor(tensor)),
    );
  for (const [name, source] of readGraphInputs(graph, signature)) {
    if (typeof source === 'string') reasons.set(name, source);
    else columns.set(name, source);
  }

  const maybeMissing = (feature: Feature): boolean => {
    const { source, table } = feature;
    if (table !== undefined) return [table.other, ...table.values.values()].some(Number.isNaN);
    return (signature[source]?.nullable ?? false) && Number.isNaN(evaluate(feature, NaN));
  };
  const argument = (name: string): Argument | undefined => {
    const constant = constants.get(name);
    if (constant !== undefined) return { kind: 'constant', constant };
    const tensor = columns.get(name);
    return tensor && { kind: 'columns', tensor };
  };
  let work = 0;
  const counted = new Set<Table>();
  const count = ({ features }: SymbolicTensor): void => {
    work += features.length;
    for (const { table } of features) {
      if (table === undefined || counted.has(table)) continue;
      counted.add(table);
      work += table.values.size;
    }
  };
  const run = (node: OnnxNode): readonly SymbolicTensor[] => {
    const opset = opsets.get(node.domain) ?? 0;
    const operator = operatorFor(node.domain, node.op, opset);
    if (operator === undefined || holdsGraph(node)) throw new NotUnderstood('is not a column-wise operator');
    const inputs = node.inputs.map(argument);
    const size = inputs.reduce(
      (sum, input) => sum + (input?.kind === 'columns' ? sizeOf(input.tensor) : 1),
      0,
    );
    if (work + size > MAX_WORK) throw new NotUnderstood('stands in a graph with too many features');
    const results = [operator({ node, inputs, opset, maybeMissing })].flat();
    if (results.length !== node.outputs.length) throw new NotUnderstood('has another number of outputs');
    results.forEach(count);
    return results;
  };

  for (const node of graph.nodes) {
    const given = node.inputs.filter((name) => name !== '');
    if (!holdsGraph(node) && given.every((name) => constants.has(name))) {
      for (const name of node.outputs)
        constants.set(
          name,
          lazy(() => constantNode(node)),
        );
      continue;
    }
    // The cause is an earlier node, which has its reason already.
    if (!given.every((name) => constants.has(name) || columns.has(name))) continue;
    try {
      const results = run(node);
      results.forEach((result, index) => columns.set(node.outputs[index] as string, result));
    } catch (error) {
      if (!(error instanceof NotUnderstood || error instanceof OnnxRefused)) throw error;
      const says = error instanceof NotUnderstood ? error.message : `cannot be read: ${error.message}`;
      for (const name of node.outputs) reasons.set(name, `${printable(node.op)} ${says}`);
    }
  }
  return { columns, constants: new Set(constants.keys()), reasons };
}
