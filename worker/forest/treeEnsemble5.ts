import { LEAF, MAX_NODES, refuse } from './checkEnsemble.ts';
import type { Aggregate, PostTransform, TreeEnsemble } from './ensemble.ts';
import { MODES } from './ensemble.ts';

/**
 * The attributes of ai.onnx.ml 5's TreeEnsemble. Branches and leaves are numbered separately, across all trees. They are
 * unchecked.
 */
export interface TreeEnsemble5 {
  /** Number of targets. */
  readonly targets: number;
  readonly treeRoots: Int32Array;

  // One entry a branch.
  readonly nodeFeatures: Int32Array;
  readonly nodeSplits: Float32Array;
  /** As the operator numbers them: the branches of MODES, then BRANCH_MEMBER. */
  readonly nodeModes: Uint8Array;
  readonly nodeTrueIds: Int32Array;
  readonly nodeFalseIds: Int32Array;
  /** Not 0: that child is a leaf. */
  readonly nodeTrueLeafs: Uint8Array;
  readonly nodeFalseLeafs: Uint8Array;
  /** Empty when there is none. */
  readonly nodeMissingTrue: Uint8Array;
  /** The sets of the BRANCH_MEMBER nodes, one after another, with a NaN between them. */
  readonly memberValues: Float32Array;

  // One entry a leaf.
  readonly leafTargets: Int32Array;
  readonly leafWeights: Float32Array;

  /** As the operator numbers them. */
  readonly aggregate: number;
  readonly postTransform: number;
}

const BRANCH_MEMBER = 6;
const BRANCH_EQ = MODES.indexOf('BRANCH_EQ');
/** With other sets ONNX Runtime cuts the fraction off a value before it looks it up. */
const LAST_MEMBER = 30;
const AGGREGATES: readonly Aggregate[] = ['AVERAGE', 'SUM', 'MIN', 'MAX'];
/** As ONNX Runtime numbers them. ONNX's documentation exchanges 1 and 2; ONNX Runtime is the reference. */
const POST_TRANSFORMS: readonly PostTransform[] = ['NONE', 'LOGISTIC', 'SOFTMAX', 'SOFTMAX_ZERO', 'PROBIT'];

/** A node in the older form. */
interface Node {
  readonly tree: number;
  readonly id: number;
  readonly mode: number;
  readonly feature: number;
  readonly value: number;
  readonly missingTrue: number;
  onTrue: number;
  onFalse: number;
}

/** A branch or leaf that is still to be written, with the nodes that lead to it. */
interface Waiting {
  readonly isLeaf: boolean;
  readonly id: number;
  readonly fromTrue: readonly Node[];
  readonly fromFalse: readonly Node[];
}

function checkLengths(attributes: TreeEnsemble5): void {
  const { nodeFeatures, nodeMissingTrue, leafWeights, leafTargets } = attributes;
  const nodes = nodeFeatures.length;
  const perNode = [
    'nodeSplits',
    'nodeModes',
    'nodeTrueIds',
    'nodeFalseIds',
    'nodeTrueLeafs',
    'nodeFalseLeafs',
  ] as const;
  for (const name of perNode) {
    if (attributes[name].length !== nodes)
      refuse(`${name} has ${attributes[name].length} entries for ${nodes} nodes`);
  }
  if (nodeMissingTrue.length !== 0 && nodeMissingTrue.length !== nodes)
    refuse(`nodeMissingTrue has ${nodeMissingTrue.length} entries for ${nodes} nodes`);
  if (leafTargets.length !== leafWeights.length)
    refuse(`leafTargets has ${leafTargets.length} entries for ${leafWeights.length} leaves`);
}

/** The set of each BRANCH_MEMBER node. */
function readSets({ nodeModes, memberValues }: TreeEnsemble5): Map<number, number[]> {
  const members = [...nodeModes.keys()].filter((node) => nodeModes[node] === BRANCH_MEMBER);
  const sets = new Map<number, number[]>();
  let at = 0;
  for (const node of members) {
    const set: number[] = [];
    while (at < memberValues.length && !Number.isNaN(memberValues[at]))
      set.push(memberValues[at++] as number);
    if (set.length === 0) refuse(`the set of node ${node} is empty`);
    const other = set.find((value) => !Number.isInteger(value) || value < 0 || value > LAST_MEMBER);
    if (other !== undefined || set.length > LAST_MEMBER)
      refuse(`the set of node ${node} has more than whole numbers of 0 to ${LAST_MEMBER}`);
    sets.set(node, set);
    at++;
  }
  if (at < memberValues.length) refuse('there are more sets than BRANCH_MEMBER nodes');
  return sets;
}

/** Where a tree begins. A tree of one leaf is written as a branch whose two children are that leaf. */
function rootOf(attributes: TreeEnsemble5, root: number): Waiting {
  const { nodeTrueIds, nodeFalseIds, nodeTrueLeafs, nodeFalseLeafs } = attributes;
  const child = nodeTrueIds[root] ?? -1;
  const isLeaf = child === nodeFalseIds[root] && nodeTrueLeafs[root] !== 0 && nodeFalseLeafs[root] !== 0;
  return { isLeaf, id: isLeaf ? child : root, fromTrue: [], fromFalse: [] };
}

/** Writes the trees' nodes in the older form; `leaves` are those of the nodes that are one. */
function writeTrees(attributes: TreeEnsemble5): { nodes: Node[]; leaves: Map<Node, number> } {
  const { treeRoots, nodeModes, nodeFeatures, nodeSplits, nodeMissingTrue, leafWeights } = attributes;
  const { nodeTrueIds, nodeFalseIds, nodeTrueLeafs, nodeFalseLeafs } = attributes;
  const sets = readSets(attributes);
  const nodes: Node[] = [];
  const leaves = new Map<Node, number>();
  const written = new Set<number>();

  treeRoots.forEach((root, tree) => {
    const start = nodes.length;
    const nextId = (): number => nodes.length - start;
    const write = (mode: number, feature = 0, value = 0, missingTrue = 0): Node => {
      if (nodes.length >= MAX_NODES) refuse(`more than ${MAX_NODES} nodes`);
      const node = { tree, id: nextId(), mode, feature, value, missingTrue, onTrue: 0, onFalse: 0 };
      nodes.push(node);
      return node;
    };
    /** Writes a branch: one node, or a chain with one node for each value of a set. */
    const writeBranch = (branch: number): Node[] => {
      const mode = nodeModes[branch] as number;
      if (mode > BRANCH_MEMBER) refuse(`node ${branch} has an unknown mode`);
      const values = sets.get(branch) ?? [nodeSplits[branch] as number];
      const chain: Node[] = [];
      for (const value of values) {
        const last = chain.at(-1);
        if (last) last.onFalse = nextId();
        const feature = nodeFeatures[branch];
        chain.push(write(sets.has(branch) ? BRANCH_EQ : mode, feature, value, nodeMissingTrue[branch]));
      }
      return chain;
    };

    const waiting = [rootOf(attributes, root)];
    for (let next = waiting.pop(); next; next = waiting.pop()) {
      const { isLeaf, id } = next;
      for (const node of next.fromTrue) node.onTrue = nextId();
      for (const node of next.fromFalse) node.onFalse = nextId();
      const count = isLeaf ? leafWeights.length : nodeModes.length;
      if (id < 0 || id >= count) refuse(`tree ${tree} has a ${isLeaf ? 'leaf' : 'node'} ${id} of ${count}`);
      if (isLeaf) {
        leaves.set(write(LEAF), id);
        continue;
      }
      // Finds cycles too, and nodes that two trees share.
      if (written.has(id)) refuse(`node ${id} has two parents`);
      written.add(id);
      const chain = writeBranch(id);
      const [onTrue, onFalse] = [nodeTrueIds[id] as number, nodeFalseIds[id] as number];
      waiting.push({ isLeaf: nodeTrueLeafs[id] !== 0, id: onTrue, fromTrue: chain, fromFalse: [] });
      waiting.push({
        isLeaf: nodeFalseLeafs[id] !== 0,
        id: onFalse,
        fromTrue: [],
        fromFalse: chain.slice(-1),
      });
    }
  });
  return { nodes, leaves };
}

/**
 * Converts the newer operator to the older form. A test for a set becomes a chain of BRANCH_EQ nodes that share their
 * true child.
 *
 * @throws {EnsembleRefused}
 */
export function fromTreeEnsemble5(attributes: TreeEnsemble5): TreeEnsemble {
  const aggregate = AGGREGATES[attributes.aggregate];
  const postTransform = POST_TRANSFORMS[attributes.postTransform];
  if (!aggregate) refuse(`the aggregate function ${attributes.aggregate} is unknown`);
  if (!postTransform) refuse(`the post transform ${attributes.postTransform} is unknown`);
  checkLengths(attributes);
  const { nodes, leaves } = writeTrees(attributes);
  const weights = [...leaves];
  return {
    kind: 'regressor',
    outputs: attributes.targets,
    nodeTreeIds: Int32Array.from(nodes, ({ tree }) => tree),
    nodeIds: Int32Array.from(nodes, ({ id }) => id),
    nodeModes: Uint8Array.from(nodes, ({ mode }) => mode),
    nodeFeatures: Int32Array.from(nodes, ({ feature }) => feature),
    nodeValues: Float32Array.from(nodes, ({ value }) => value),
    nodeTrueIds: Int32Array.from(nodes, ({ onTrue }) => onTrue),
    nodeFalseIds: Int32Array.from(nodes, ({ onFalse }) => onFalse),
    nodeMissingTrue: Uint8Array.from(nodes, ({ missingTrue }) => missingTrue),
    weightTreeIds: Int32Array.from(weights, ([{ tree }]) => tree),
    weightNodeIds: Int32Array.from(weights, ([{ id }]) => id),
    weightOutputs: Int32Array.from(weights, ([, leaf]) => attributes.leafTargets[leaf] as number),
    weights: Float32Array.from(weights, ([, leaf]) => attributes.leafWeights[leaf] as number),
    baseValues: new Float32Array(),
    postTransform,
    aggregate,
  };
}
