import type { TreeEnsemble } from '../forest/ensemble.ts';
import { MODES } from '../forest/ensemble.ts';
import type { Structure } from '../forest/structure.ts';

const LEAF = MODES.indexOf('LEAF');
/** In the order of MODES. */
const HOLDS: readonly ((x: number, threshold: number) => boolean)[] = [
  (x, t) => x <= t,
  (x, t) => x < t,
  (x, t) => x >= t,
  (x, t) => x > t,
  (x, t) => x === t,
  (x, t) => x !== t,
];

/** Visits the nodes that a row comes to in one tree, from the root. @returns the leaf */
export function walkTree(
  ensemble: TreeEnsemble,
  { trueChild, falseChild }: Structure,
  root: number,
  row: Float32Array,
  visit?: (node: number) => void,
): number {
  const { nodeModes, nodeFeatures, nodeValues, nodeMissingTrue } = ensemble;
  let node = root;
  for (;;) {
    visit?.(node);
    const mode = nodeModes[node] as number;
    if (mode === LEAF) return node;
    const x = row[nodeFeatures[node] as number] as number;
    const holds =
      (Number.isNaN(x) && nodeMissingTrue[node] === 1) || HOLDS[mode]?.(x, nodeValues[node] as number);
    node = (holds ? trueChild[node] : falseChild[node]) as number;
  }
}

/** Indexes of a leaf's weights. With one output ONNX Runtime takes the first and ignores the others. */
export function* weightsOf(
  { outputs }: TreeEnsemble,
  { weightStart, weightOrder }: Structure,
  node: number,
): Iterable<number> {
  const first = weightStart[node] as number;
  const end = outputs === 1 ? first + 1 : (weightStart[node + 1] as number);
  for (let at = first; at < end; at++) yield weightOrder[at] as number;
}

/** A row's raw scores in float64, of weights that are multiplied by `scale`. */
export function rawScores(
  ensemble: TreeEnsemble,
  structure: Structure,
  row: Float32Array,
  outputs: number,
  scale: number,
): Float64Array {
  const scores = Float64Array.from({ length: outputs }, (_, k) => ensemble.baseValues[k] ?? 0);
  for (const { start } of structure.trees)
    for (const i of weightsOf(ensemble, structure, walkTree(ensemble, structure, start, row)))
      (scores[ensemble.weightOutputs[i] as number] as number) += (ensemble.weights[i] as number) * scale;
  return scores;
}
