import type { OnnxGraph } from '../../../worker/onnx/graph.ts';
import type { OnnxNode } from '../../../worker/onnx/node.ts';
import { holdsGraph } from '../../../worker/onnx/node.ts';
import { printable } from '../../../worker/onnx/onnxRefused.ts';
import type { Interpretation } from './interpret.ts';
import type { SymbolicTensor } from './symbolic.ts';
import { mapFeature } from './symbolic.ts';

/** Where a graph is cut: everything behind it depends on the row through one matrix alone. */
export interface CutPoint {
  /** Name of the matrix. */
  readonly name: string;
  readonly matrix: SymbolicTensor;
  /** Its integers are converted to floats. */
  readonly asFloats: boolean;
  /** The nodes behind it, with those that make constants, in an order in which they can be run. */
  readonly nodes: readonly OnnxNode[];
}

/** ONNX Runtime's trees compare an integer with a float threshold, that is as a float. */
const comparesAsFloat = ({ domain, op }: OnnxNode): boolean =>
  domain === 'ai.onnx.ml' && (op === 'TreeEnsembleClassifier' || op === 'TreeEnsembleRegressor');

/** Converts integers to float32 as C++ does; other tensors are returned as they are. */
export function asFloats(tensor: SymbolicTensor): SymbolicTensor {
  if (tensor.element !== 'int64' && tensor.element !== 'int32') return tensor;
  return {
    element: 'float',
    dims: tensor.dims,
    features: tensor.features.map((feature) => mapFeature(feature, Math.fround)),
  };
}

/** The node that makes each tensor. */
function producersOf({ nodes }: OnnxGraph): Map<string, OnnxNode> {
  return new Map(nodes.flatMap((node) => node.outputs.map((name) => [name, node] as const)));
}

/** Adds the nodes whose constants these nodes need. */
function withConstants(
  graph: OnnxGraph,
  nodes: ReadonlySet<OnnxNode>,
  constants: ReadonlySet<string>,
): OnnxNode[] {
  const producers = producersOf(graph);
  const kept = new Set(nodes);
  // A set's iterator also visits members that are added during the loop.
  for (const { inputs } of kept) {
    for (const name of inputs) {
      const producer = constants.has(name) ? producers.get(name) : undefined;
      if (producer !== undefined) kept.add(producer);
    }
  }
  return graph.nodes.filter((node) => kept.has(node));
}

/** The first reason on the way to the outputs why a tensor isn't supported. */
function reasonOf(graph: OnnxGraph, needed: ReadonlySet<OnnxNode>, { reasons }: Interpretation): string {
  for (const node of graph.nodes) {
    if (!needed.has(node)) continue;
    const name = [...node.inputs, ...node.outputs].find((candidate) => reasons.has(candidate));
    if (name !== undefined) return reasons.get(name) as string;
  }
  return 'the outputs do not need a matrix of the columns';
}

/**
 * Finds the last matrix on which all outputs depend. The walk goes backwards from the outputs and replaces each needed
 * tensor by its inputs, the one made last first; when one tensor is left, all paths lead through it.
 *
 * @returns the cut, or the reason why there is none
 */
export function findCut(
  graph: OnnxGraph,
  interpretation: Interpretation,
  outputs: readonly string[],
): CutPoint | string {
  const { columns, constants } = interpretation;
  const live = new Set(outputs);
  const behind = new Set<OnnxNode>();
  /** The nodes behind that take a tensor. */
  const takersOf = new Map<string, OnnxNode[]>();
  /** Why the first candidate was rejected. */
  let wrongType = undefined as string | undefined;

  const cut = (): CutPoint | undefined => {
    const [name] = live;
    const tensor = live.size === 1 && name !== undefined ? columns.get(name) : undefined;
    if (name === undefined || tensor?.dims.length !== 1 || outputs.includes(name)) return undefined;
    const takers = takersOf.get(name) ?? [];
    const compared = takers.every(comparesAsFloat);
    const matrix = compared ? asFloats(tensor) : tensor;
    if (matrix.element === 'float')
      return { name, matrix, asFloats: compared, nodes: withConstants(graph, behind, constants) };
    wrongType ??= `${printable(takers[0]?.op ?? 'an output')} takes columns of type ${matrix.element}`;
    return undefined;
  };

  for (const node of graph.nodes.toReversed()) {
    const found = cut();
    if (found !== undefined) return found;
    if (!node.outputs.some((name) => live.has(name))) continue;
    if (holdsGraph(node)) return `${printable(node.op)} holds a subgraph`;
    behind.add(node);
    for (const name of node.outputs) live.delete(name);
    for (const name of node.inputs) {
      if (name === '' || constants.has(name)) continue;
      live.add(name);
      const takers = takersOf.get(name);
      if (takers === undefined) takersOf.set(name, [node]);
      else takers.push(node);
    }
  }
  return cut() ?? wrongType ?? reasonOf(graph, behind, interpretation);
}
