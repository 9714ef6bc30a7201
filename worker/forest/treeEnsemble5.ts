import { LEAF, MAX_NODES, refuse } from './check.ts';
import type { Aggregate, PostTransform, TreeEnsemble } from './ensemble.ts';
import { MODES } from './ensemble.ts';

/**
 * The attributes of ai.onnx.ml 5's TreeEnsemble. Branches and leaves are numbered apart from each other, and the nodes of
 * all trees stand in one list. Nothing in it has been checked.
 */
export interface TreeEnsemble5 {
  /** Number of targets. */
  readonly targets: number;
  readonly treeRoots: Int32Array;

  // One entry a branch.
  readonly nodeFeatures: Int32Array;
  readonly nodeSplits: Float32Array;
  /** The operator's own numbers: those of MODES, but 6 is BRANCH_MEMBER. */
  readonly nodeModes: Uint8Array;
  readonly nodeTrueIds: Int32Array;
  readonly nodeFalseIds: Int32Array;
  /** 1: the child is a leaf, and its number one of a leaf. */
  readonly nodeTrueLeafs: Uint8Array;
  readonly nodeFalseLeafs: Uint8Array;
  /** Empty: all 0. */
  readonly nodeMissingTrue: Uint8Array;
  /** The sets of the BRANCH_MEMBER nodes, in their order, a NaN after each; after the last it may be left out. */
  readonly memberValues: Float32Array;

  // One entry a leaf.
  readonly leafTargets: Int32Array;
  readonly leafWeights: Float32Array;

  /** The operator's own numbers. */
  readonly aggregate: number;
  readonly postTransform: number;
}

const BRANCH_MEMBER = 6;
const BRANCH_EQ = MODES.indexOf('BRANCH_EQ');
const AGGREGATES: readonly Aggregate[] = ['AVERAGE', 'SUM', 'MIN', 'MAX'];
/** As ONNX Runtime numbers them. ONNX's own table has 1 and 2 the other way round; the reference is what runs. */
const POST_TRANSFORMS: readonly PostTransform[] = ['NONE', 'LOGISTIC', 'SOFTMAX', 'SOFTMAX_ZERO', 'PROBIT'];

/** A branch or leaf that waits to be written, and where its number in the tree is to be filled in. */
interface Waiting {
  readonly leaf: boolean;
  readonly id: number;
  /** Written nodes that lead to it. */
  readonly fromTrue: readonly number[];
  readonly fromFalse: readonly number[];
}

/** The entry of a written node. */
interface Written {
  tree: number;
  id: number;
  mode: number;
  feature: number;
  value: number;
  onTrue: number;
  onFalse: number;
  missingTrue: number;
}

function checkLengths(attributes: TreeEnsemble5): void {
  const nodes = attributes.nodeFeatures.length;
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
  const missing = attributes.nodeMissingTrue.length;
  if (missing !== 0 && missing !== nodes) refuse(`nodeMissingTrue has ${missing} entries for ${nodes} nodes`);
  const leaves = attributes.leafWeights.length;
  if (attributes.leafTargets.length !== leaves)
    refuse(`leafTargets has ${attributes.leafTargets.length} entries for ${leaves} leaves`);
}

/** The set of each BRANCH_MEMBER node. */
function readSets({ nodeModes, memberValues }: TreeEnsemble5): Map<number, number[]> {
  const sets: number[][] = [[]];
  memberValues.forEach((value, i) => {
    if (!Number.isNaN(value)) sets.at(-1)?.push(value);
    else if (i < memberValues.length - 1) sets.push([]);
  });
  const nodes = [...nodeModes.keys()].filter((node) => nodeModes[node] === BRANCH_MEMBER);
  if (nodes.length > 0 ? sets.length !== nodes.length : memberValues.length > 0)
    refuse(`${nodes.length} BRANCH_MEMBER nodes, but another number of sets`);
  return new Map(
    nodes.map((node, i) => {
      const set = sets[i] as number[];
      if (set.length === 0) refuse(`the set of node ${node} is empty`);
      return [node, set];
    }),
  );
}

/**
 * Turns the newer operator into the older one's form. A test for a set becomes a chain of BRANCH_EQ with one true child.
 *
 * @throws {EnsembleRefused}
 */
export function fromTreeEnsemble5(attributes: TreeEnsemble5): TreeEnsemble {
  checkLengths(attributes);
  const aggregate = AGGREGATES[attributes.aggregate];
  const postTransform = POST_TRANSFORMS[attributes.postTransform];
  if (!aggregate) refuse(`the aggregate function ${attributes.aggregate} is unknown`);
  if (!postTransform) refuse(`the post transform ${attributes.postTransform} is unknown`);
  const sets = readSets(attributes);
  const { nodeModes, nodeFeatures, nodeSplits, nodeMissingTrue, leafTargets, leafWeights } = attributes;
  const nodes: Written[] = [];
  const weights: { tree: number; node: number; leaf: number }[] = [];
  const used = new Uint8Array(nodeModes.length);

  attributes.treeRoots.forEach((root, tree) => {
    const start = nodes.length;
    const write = (mode: number, feature: number, value: number, missingTrue: number): number => {
      if (nodes.length >= MAX_NODES) refuse(`more than ${MAX_NODES} nodes`);
      const id = nodes.length - start;
      nodes.push({ tree, id, mode, feature, value, onTrue: 0, onFalse: 0, missingTrue });
      return nodes.length - 1;
    };
    const waiting = [plant(attributes, root)];
    for (let next = waiting.pop(); next; next = waiting.pop()) {
      const { leaf, id, fromTrue, fromFalse } = next;
      for (const parent of fromTrue) (nodes[parent] as Written).onTrue = nodes.length - start;
      for (const parent of fromFalse) (nodes[parent] as Written).onFalse = nodes.length - start;
      if (leaf) {
        if (id < 0 || id >= leafWeights.length)
          refuse(`tree ${tree} has a leaf ${id} of ${leafWeights.length}`);
        weights.push({ tree, node: nodes.length - start, leaf: id });
        write(LEAF, 0, 0, 0);
        continue;
      }
      if (id < 0 || id >= nodeModes.length) refuse(`tree ${tree} has a node ${id} of ${nodeModes.length}`);
      // A second parent, another tree's node, or a cycle.
      if (used[id] === 1) refuse(`node ${id} has two parents`);
      used[id] = 1;
      const mode = nodeModes[id] as number;
      if (mode > BRANCH_MEMBER) refuse(`node ${id} has an unknown mode`);
      const chain: number[] = [];
      for (const value of sets.get(id) ?? [nodeSplits[id] as number]) {
        const equal = mode === BRANCH_MEMBER ? BRANCH_EQ : mode;
        const last = chain.at(-1);
        if (last !== undefined) (nodes[last] as Written).onFalse = nodes.length - start;
        chain.push(write(equal, nodeFeatures[id] as number, value, nodeMissingTrue[id] ?? 0));
      }
      waiting.push(
        {
          leaf: attributes.nodeTrueLeafs[id] === 1,
          id: attributes.nodeTrueIds[id] as number,
          fromTrue: chain,
          fromFalse: [],
        },
        {
          leaf: attributes.nodeFalseLeafs[id] === 1,
          id: attributes.nodeFalseIds[id] as number,
          fromTrue: [],
          fromFalse: chain.slice(-1),
        },
      );
    }
  });
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
    weightTreeIds: Int32Array.from(weights, ({ tree }) => tree),
    weightNodeIds: Int32Array.from(weights, ({ node }) => node),
    weightOutputs: Int32Array.from(weights, ({ leaf }) => leafTargets[leaf] as number),
    weights: Float32Array.from(weights, ({ leaf }) => leafWeights[leaf] as number),
    baseValues: new Float32Array(0),
    postTransform,
    aggregate,
  };
}

/** The first node of a tree. A tree of one leaf is written as a node both of whose children are that leaf. */
function plant(attributes: TreeEnsemble5, root: number): Waiting {
  const { nodeTrueIds, nodeFalseIds, nodeTrueLeafs, nodeFalseLeafs } = attributes;
  const id = nodeTrueIds[root];
  const lone =
    id !== undefined && id === nodeFalseIds[root] && nodeTrueLeafs[root] === 1 && nodeFalseLeafs[root] === 1;
  return { leaf: lone, id: lone ? id : root, fromTrue: [], fromFalse: [] };
}
