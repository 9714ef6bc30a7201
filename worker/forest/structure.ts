import { LEAF, nodeName, refuse } from './checkEnsemble.ts';
import type { TreeEnsemble } from './ensemble.ts';
import { MODES } from './ensemble.ts';

const BRANCH_EQ = MODES.indexOf('BRANCH_EQ');

/** One tree: the nodes from `start` to before `end`. The first is its root. */
export interface Tree {
  readonly start: number;
  readonly end: number;
}

/** The trees, with node numbers replaced by positions in the ensemble's arrays. */
export interface Structure {
  /** In the order in which their weights are added. */
  readonly trees: readonly Tree[];
  /** Positions of a branch's children; -1 in a leaf. */
  readonly trueChild: Int32Array;
  readonly falseChild: Int32Array;
  /** All nodes, tree by tree, each after its parents. */
  readonly order: Int32Array;
  /** The weights of a node are those at `weightOrder[weightStart[node]]` to before `weightStart[node + 1]`. */
  readonly weightStart: Int32Array;
  readonly weightOrder: Int32Array;
}

/** Position of the node with a number, or -1. */
type Find = (id: number) => number;

interface NumberedTree extends Tree {
  readonly find: Find;
}

function numberNodes({ nodeIds }: TreeEnsemble, id: number, { start, end }: Tree): Find {
  let counted = true;
  for (let node = start; counted && node < end; node++) counted = nodeIds[node] === node - start;
  // Most exporters number nodes from 0: then no look-up is needed.
  if (counted) return (wanted) => (wanted >= 0 && wanted < end - start ? start + wanted : -1);
  const positions = new Map<number, number>();
  for (let node = start; node < end; node++) {
    const wanted = nodeIds[node] as number;
    if (positions.has(wanted)) refuse(`tree ${id} has two nodes ${wanted}`);
    positions.set(wanted, node);
  }
  return (wanted) => positions.get(wanted) ?? -1;
}

/** A tree is a run of nodes with one tree id, as in ONNX Runtime, which adds them in this order. */
function findTrees(ensemble: TreeEnsemble): Map<number, NumberedTree> {
  const { nodeTreeIds } = ensemble;
  const trees = new Map<number, NumberedTree>();
  for (let start = 0, end = 0; start < nodeTreeIds.length; start = end) {
    const id = nodeTreeIds[start] as number;
    while (end < nodeTreeIds.length && nodeTreeIds[end] === id) end++;
    if (trees.has(id)) refuse(`the nodes of tree ${id} don't stand together`);
    trees.set(id, { start, end, find: numberNodes(ensemble, id, { start, end }) });
  }
  return trees;
}

/** Whether two nodes test for members of one set: some exporters write a chain of BRANCH_EQ with one true child. */
function testOneSet(ensemble: TreeEnsemble, one: number, other: number): boolean {
  const { nodeModes, nodeFeatures, nodeMissingTrue } = ensemble;
  return (
    nodeModes[one] === BRANCH_EQ &&
    nodeModes[other] === BRANCH_EQ &&
    nodeFeatures[one] === nodeFeatures[other] &&
    nodeMissingTrue[one] === nodeMissingTrue[other]
  );
}

interface Links {
  readonly trueChild: Int32Array;
  readonly falseChild: Int32Array;
  /** How many branches lead to a node. */
  readonly parents: Int32Array;
}

function linkNodes(ensemble: TreeEnsemble, trees: Iterable<NumberedTree>): Links {
  const nodes = ensemble.nodeIds.length;
  const [trueChild, falseChild] = [new Int32Array(nodes).fill(-1), new Int32Array(nodes).fill(-1)];
  const parents = new Int32Array(nodes);
  /** The last parent found; bitwise not of it where the node is its false child. */
  const parent = new Int32Array(nodes);
  const link = (node: number, child: number, wanted: number, isTrue: boolean, root: number): void => {
    if (child === -1) refuse(`${nodeName(ensemble, node)} leads to node ${wanted}, which is not there`);
    if (child === root) refuse(`${nodeName(ensemble, node)} leads back to the root`);
    const known = parent[child] as number;
    if ((parents[child] as number) > 0 && !(isTrue && known >= 0 && testOneSet(ensemble, known, node)))
      refuse(`${nodeName(ensemble, child)} has two parents`);
    parent[child] = isTrue ? node : ~node;
    (parents[child] as number)++;
  };
  for (const { start, end, find } of trees) {
    for (let node = start; node < end; node++) {
      if (ensemble.nodeModes[node] === LEAF) continue;
      const onTrue = ensemble.nodeTrueIds[node] as number;
      const onFalse = ensemble.nodeFalseIds[node] as number;
      trueChild[node] = find(onTrue);
      falseChild[node] = find(onFalse);
      link(node, trueChild[node] as number, onTrue, true, start);
      link(node, falseChild[node] as number, onFalse, false, start);
    }
  }
  return { trueChild, falseChild, parents };
}

/** Lists each node after its parents (Kahn's algorithm). Nodes behind a cycle are never listed. */
function sortNodes(ensemble: TreeEnsemble, trees: Iterable<Tree>, links: Links): Int32Array {
  const { trueChild, falseChild } = links;
  const waitsFor = links.parents.slice();
  const order = new Int32Array(waitsFor.length);
  for (const { start, end } of trees) {
    let listed = start;
    order[listed++] = start;
    for (let next = start; next < listed; next++) {
      const node = order[next] as number;
      const onFalse = falseChild[node] as number;
      if (onFalse === -1) continue;
      const onTrue = trueChild[node] as number;
      waitsFor[onFalse] = (waitsFor[onFalse] as number) - 1;
      if (waitsFor[onFalse] === 0) order[listed++] = onFalse;
      waitsFor[onTrue] = (waitsFor[onTrue] as number) - 1;
      if (waitsFor[onTrue] === 0) order[listed++] = onTrue;
    }
    if (listed === end) continue;
    for (let node = start + 1; node < end; node++) {
      if (links.parents[node] === 0) refuse(`${nodeName(ensemble, node)} has no parent`);
    }
    refuse(`tree ${ensemble.nodeTreeIds[start]} has a cycle`);
  }
  return order;
}

/** Sorts the weights by node; those of one node stay in their order. */
function assignWeights(
  ensemble: TreeEnsemble,
  trees: ReadonlyMap<number, NumberedTree>,
): Pick<Structure, 'weightStart' | 'weightOrder'> {
  const { weights, weightTreeIds, weightNodeIds, nodeIds, nodeModes, firstWeight = 0 } = ensemble;
  const weightStart = new Int32Array(nodeIds.length + 1);
  const nodeOf = new Int32Array(weights.length);
  for (let i = 0; i < weights.length; i++) {
    const tree = weightTreeIds[i] as number;
    const wanted = weightNodeIds[i] as number;
    const node = trees.get(tree)?.find(wanted) ?? -1;
    if (node === -1)
      refuse(`weight ${firstWeight + i} is for node ${wanted} of tree ${tree}, which is not there`);
    nodeOf[i] = node;
    (weightStart[node + 1] as number)++;
  }
  for (let node = 0; node < nodeIds.length; node++) {
    if (nodeModes[node] === LEAF && weightStart[node + 1] === 0)
      refuse(`${nodeName(ensemble, node)} is a leaf without a weight`);
    (weightStart[node + 1] as number) += weightStart[node] as number;
  }
  const weightOrder = new Int32Array(weights.length);
  const next = weightStart.slice();
  for (let i = 0; i < weights.length; i++) weightOrder[(next[nodeOf[i] as number] as number)++] = i;
  return { weightStart, weightOrder };
}

/**
 * Finds the trees of a checked ensemble, and checks that they are trees.
 *
 * @throws {EnsembleRefused}
 */
export function findStructure(ensemble: TreeEnsemble): Structure {
  const numbered = findTrees(ensemble);
  const trees = [...numbered.values()];
  const { trueChild, falseChild, parents } = linkNodes(ensemble, trees);
  const order = sortNodes(ensemble, trees, { trueChild, falseChild, parents });
  return { trees, trueChild, falseChild, order, ...assignWeights(ensemble, numbered) };
}
