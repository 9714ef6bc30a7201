import { LEAF, checkEnsemble, refuse } from '../forest/checkEnsemble.ts';
import type { TreeEnsemble } from '../forest/ensemble.ts';
import { createForestMemory, reserveEach } from '../forest/forestMemory.ts';
import { lowerAll } from '../forest/lowering.ts';
import type { Structure } from '../forest/structure.ts';
import { findStructure } from '../forest/structure.ts';
import { packRules, pointsFor } from './gaussLegendre.ts';
import type { Link, Space } from './space.ts';
import { NO_COVERS, linkOf, spaceOf } from './space.ts';
import type { Source } from './treeOrder.ts';
import { createPath, visitTree } from './treeOrder.ts';
import { weightsOf } from './walkTree.ts';

/** Bytes of `Node` and words of `Tree` in kernel.c. */
const NODE_BYTES = 48;
const TREE_WORDS = 7;
const [MISSING_LEFT, EQUAL] = [1, 2];
/** A packed node takes 48 bytes, and a tree's lists are in memory as a whole while it is packed. */
const MAX_NODES = 2 ** 22;
/** Sums that a row may need: 256 MB. */
const MAX_SUMS = 2 ** 22;
/** Rows of a call, for which a tree stays in the processor's cache; their sums take 4 MB, unless one row needs more. */
const MOST_ROWS = 16;
const MOST_SUMS = 2 ** 16;

/** Trees for the explanation kernel: places in a memory that threads share, and plain values. */
export interface PackedExplanation extends Space {
  readonly kind: 'trees';
  readonly link: Link;
  readonly memory: WebAssembly.Memory;
  readonly place: Readonly<Record<'nodes' | 'trees' | 'weights' | 'rules' | 'columnOf', number>>;
  readonly trees: number;
  readonly features: number;
  /** Rows of a call at most. */
  readonly mostRows: number;
  /** What features are summed up to. */
  readonly columns: number;
  /** Most slots of a tree. */
  readonly slots: number;
  /** The mean of each raw score over the training rows, by the covers. */
  readonly base: readonly number[];
  /** The largest size that a sum can have. */
  readonly largest: number;
}

/** The outputs of each tree's leaves: from the first to before the last, one weight for each in each leaf. */
function outputsOf(
  { ensemble, structure }: Source,
  start: number,
  end: number,
): [first: number, end: number] {
  const { weightOutputs, nodeModes } = ensemble;
  let [first, last] = [Infinity, -1];
  for (let node = start; node < end; node++) {
    if (nodeModes[node] !== LEAF) continue;
    for (const i of weightsOf(ensemble, structure, node)) {
      first = Math.min(first, weightOutputs[i] as number);
      last = Math.max(last, weightOutputs[i] as number);
    }
  }
  return [first, last + 1];
}

/** Exporters that know no covers write 1 for each node. */
export const hasCovers = (covers: Float32Array): boolean => covers.some((cover) => cover !== 1);

/**
 * Packs an ensemble with the covers of its nodes.
 *
 * @param columnOf the column that each feature is counted for
 * @throws {EnsembleRefused} with the reason why it can't be explained
 */
export function packExplanation(
  ensemble: TreeEnsemble,
  columnOf: readonly number[],
  columns: number,
): PackedExplanation {
  const features = columnOf.length;
  if (ensemble.nodeIds.length > MAX_NODES) refuse(`it has more than ${MAX_NODES} nodes`);
  checkEnsemble(ensemble, features);
  const { nodeCovers: covers, nodeIds, outputs } = ensemble;
  if (covers === undefined || covers.length !== nodeIds.length || !hasCovers(covers)) refuse(NO_COVERS);
  const space = spaceOf(ensemble);
  if (space.outputs * features > MAX_SUMS) refuse(`${outputs} outputs of ${features} features are too many`);
  const source: Source = {
    ensemble,
    covers,
    structure: findStructure(ensemble),
    tests: lowerAll(ensemble),
  };
  const { trees } = source.structure;
  const ranges = trees.map(({ start, end }) => outputsOf(source, start, end));
  const leavesOf = (tree: number): number => {
    const { start, end } = trees[tree] as Structure['trees'][number];
    return (end - start + 1) / 2;
  };
  let [nodeCount, weightCount] = [0, 0];
  trees.forEach((_, tree) => {
    const [first, end] = ranges[tree] as [number, number];
    nodeCount += leavesOf(tree) - 1;
    weightCount += leavesOf(tree) * (end - first);
  });
  const memory = createForestMemory();
  const place = reserveEach(memory, {
    nodes: Math.ceil(NODE_BYTES * nodeCount),
    trees: 4 * TREE_WORDS * trees.length,
    weights: Math.ceil(8 * weightCount),
    columnOf: 4 * features,
  });
  const { buffer } = memory;
  new Uint32Array(buffer, place.columnOf, features).set(columnOf);
  const [words, floats, doubles] = [
    new Uint32Array(buffer),
    new Float32Array(buffer),
    new Float64Array(buffer),
  ];
  const base = new Float64Array(space.outputs);
  for (let k = 0; k < space.outputs; k++) base[k] = ensemble.baseValues[k] ?? 0;
  let largest = base.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  const path = createPath(features);
  let [firstNode, firstWeight, slots, points] = [0, 0, 2, 2];
  trees.forEach((tree, index) => {
    const [first, end] = ranges[index] as [number, number];
    const width = end - first;
    const leaves = leavesOf(index);
    const weightsAt = place.weights / 8 + firstWeight;
    let heaviest = 0;
    const most = visitTree(source, tree, path, {
      split: (split) => {
        const at = place.nodes + NODE_BYTES * (firstNode + split.slot - 1);
        floats[at / 4] = split.threshold;
        const flags = (split.missingLeft ? MISSING_LEFT : 0) + (split.equal ? EQUAL : 0);
        words.set([split.feature, flags, split.above, split.left, split.right], at / 4 + 1);
        doubles.set([split.aboveCover, split.leftCover, split.rightCover], at / 8 + 3);
      },
      leaf: (node, slot, reach) => {
        const at = weightsAt + (slot - leaves) * width;
        for (const i of weightsOf(ensemble, source.structure, node)) {
          const output = ensemble.weightOutputs[i] as number;
          const weight = (ensemble.weights[i] as number) * space.scale;
          heaviest = Math.max(heaviest, Math.abs(weight));
          (doubles[at + output - first] as number) += weight;
          (base[output] as number) += weight * reach;
        }
      },
    });
    const treePoints = pointsFor(most);
    words.set(
      [firstNode, leaves - 1, firstWeight, leaves, first, width, treePoints],
      place.trees / 4 + TREE_WORDS * index,
    );
    largest += heaviest;
    firstNode += leaves - 1;
    firstWeight += leaves * width;
    slots = Math.max(slots, 2 * leaves);
    points = Math.max(points, treePoints);
  });
  const rules = packRules(points);
  const { rules: rulesAt } = reserveEach(memory, { rules: 8 * rules.length });
  new Float64Array(memory.buffer, rulesAt, rules.length).set(rules);
  return {
    kind: 'trees',
    ...space,
    link: linkOf(ensemble),
    memory,
    place: { ...place, rules: rulesAt },
    trees: trees.length,
    features,
    mostRows: Math.min(MOST_ROWS, Math.max(1, Math.floor(MOST_SUMS / (space.outputs * features)))),
    columns,
    slots,
    base: [...base],
    largest,
  };
}
