import type { TreeEnsemble5 } from '../treeEnsemble5.ts';
import type { Operator } from './onnx.ts';
import { THRESHOLDS, createRandom } from './random.ts';

const MEMBERS = [0, 1, 2, 3, 7, 29, 30];

/** Random trees in the form of ai.onnx.ml 5, some with tests for a set, some no more than a leaf. */
export function randomEnsemble5(seed: number, targets: number, features: number): TreeEnsemble5 {
  const random = createRandom(seed);
  type Child = readonly [id: number, isLeaf: boolean];
  const roots: number[] = [];
  const branches: { feature: number; split: number; mode: number; missing: number; yes: Child; no: Child }[] =
    [];
  const leaves: { target: number; weight: number }[] = [];
  const members = new Map<number, number[]>();
  const addLeaf = (): Child => {
    leaves.push({ target: random.below(targets), weight: Math.fround(random.next() - 0.5) });
    return [leaves.length - 1, true];
  };
  const addBranch = (depth: number): Child => {
    const id = branches.length;
    const mode = random.below(7);
    const [yes, no] = [[0, true] as Child, [0, true] as Child];
    branches.push({
      feature: random.below(features),
      split: random.pick(THRESHOLDS),
      mode,
      missing: random.below(2),
      yes,
      no,
    });
    if (mode === 6)
      members.set(
        id,
        Array.from({ length: 1 + random.below(6) }, () => random.pick(MEMBERS)),
      );
    const child = (): Child => (depth < 4 && random.next() < 0.7 ? addBranch(depth + 1) : addLeaf());
    Object.assign(branches[id] as object, { yes: child(), no: child() });
    return [id, false];
  };
  for (let tree = 1 + random.below(6); tree > 0; tree--) {
    const [root] = addBranch(0);
    roots.push(root);
    const lone = random.next() < 0.2 ? addLeaf() : undefined;
    if (!lone) continue;
    branches.push({ feature: 0, split: 0, mode: 0, missing: 0, yes: lone, no: lone });
    roots.push(branches.length - 1);
  }
  const sets = [...members].sort(([a], [b]) => a - b).map(([, set]) => set);
  return {
    targets,
    treeRoots: Int32Array.from(roots),
    nodeFeatures: Int32Array.from(branches, ({ feature }) => feature),
    nodeSplits: Float32Array.from(branches, ({ split }) => split),
    nodeModes: Uint8Array.from(branches, ({ mode }) => mode),
    nodeTrueIds: Int32Array.from(branches, ({ yes }) => yes[0]),
    nodeFalseIds: Int32Array.from(branches, ({ no }) => no[0]),
    nodeTrueLeafs: Uint8Array.from(branches, ({ yes }) => Number(yes[1])),
    nodeFalseLeafs: Uint8Array.from(branches, ({ no }) => Number(no[1])),
    nodeMissingTrue:
      random.next() < 0.5 ? new Uint8Array() : Uint8Array.from(branches, ({ missing }) => missing),
    memberValues: Float32Array.from(sets.flatMap((set, i) => (i < sets.length - 1 ? [...set, NaN] : set))),
    leafTargets: Int32Array.from(leaves, ({ target }) => target),
    leafWeights: Float32Array.from(leaves, ({ weight }) => weight),
    aggregate: random.below(4),
    postTransform: random.below(4),
  };
}

/** The operator that has these attributes. */
export function toOperator5(attributes: TreeEnsemble5, features: number): Operator {
  const { nodeMissingTrue, memberValues } = attributes;
  return {
    type: 'TreeEnsemble',
    opset: 5,
    features,
    attributes: {
      n_targets: { i: attributes.targets },
      tree_roots: { ints: attributes.treeRoots },
      nodes_featureids: { ints: attributes.nodeFeatures },
      nodes_splits: { floatTensor: [...attributes.nodeSplits] },
      nodes_modes: { byteTensor: [...attributes.nodeModes] },
      nodes_truenodeids: { ints: attributes.nodeTrueIds },
      nodes_falsenodeids: { ints: attributes.nodeFalseIds },
      nodes_trueleafs: { ints: attributes.nodeTrueLeafs },
      nodes_falseleafs: { ints: attributes.nodeFalseLeafs },
      ...(nodeMissingTrue.length > 0 ? { nodes_missing_value_tracks_true: { ints: nodeMissingTrue } } : {}),
      ...(memberValues.length > 0 ? { membership_values: { floatTensor: [...memberValues] } } : {}),
      leaf_targetids: { ints: attributes.leafTargets },
      leaf_weights: { floatTensor: [...attributes.leafWeights] },
      aggregate_function: { i: attributes.aggregate },
      post_transform: { i: attributes.postTransform },
    },
    outputs: { values: attributes.targets },
  };
}
