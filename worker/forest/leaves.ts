import { LEAF } from './checkEnsemble.ts';
import type { TreeEnsemble } from './ensemble.ts';
import { LANES } from './packTrees.ts';
import type { Structure, Tree } from './structure.ts';

/** In the place of a column: every row, or no row, reaches a weight for the output. */
export const ALWAYS = -1;
export const NEVER = -2;

/** What the leaves add to the scores of a row. */
export interface Leaves {
  /** The output of each tree, if every tree has one output and every leaf one weight. */
  readonly targets: Uint32Array;
  /** Else a list for each leaf: n, then n times output and weight. Empty where `targets` suffice. */
  readonly lists: Uint32Array;
  /** Columns of raw scores: the outputs, then those that count weights. */
  readonly width: number;
  /** For each output the column that counts the weights that a row has reached, or ALWAYS or NEVER. */
  readonly counted: readonly number[];
}

/** See `Leaves`. */
export type Counted = Pick<Leaves, 'counted' | 'width'>;

interface Leaf {
  readonly node: number;
  readonly first: number;
  /** One past the last weight. */
  readonly last: number;
}

const word = new DataView(new ArrayBuffer(4));

/** The 32 bits of a float32. */
export function bitsOf(value: number): number {
  word.setFloat32(0, value);
  return word.getUint32(0);
}

/** The leaves of a tree, with the range of each one's weights in `weightOrder`. */
function* leavesOf(ensemble: TreeEnsemble, structure: Structure, { start, end }: Tree): Iterable<Leaf> {
  const { weightStart } = structure;
  for (let node = start; node < end; node++) {
    if (ensemble.nodeModes[node] !== LEAF) continue;
    const first = weightStart[node] as number;
    // With one output ONNX Runtime takes the first weight and ignores the others.
    yield { node, first, last: ensemble.outputs === 1 ? first + 1 : (weightStart[node + 1] as number) };
  }
}

/** The output of each tree, if every leaf has one weight, and those of a tree are for the same output. */
function findTargets(ensemble: TreeEnsemble, structure: Structure): number[] | undefined {
  const outputOf = (i: number): number =>
    ensemble.weightOutputs[structure.weightOrder[i] as number] as number;
  const targets: number[] = [];
  for (const tree of structure.trees) {
    let target = -1;
    for (const { first, last } of leavesOf(ensemble, structure, tree)) {
      if (last !== first + 1 || (target !== -1 && outputOf(first) !== target)) return undefined;
      target = outputOf(first);
    }
    targets.push(target);
  }
  return targets;
}

/**
 * Some answers depend on whether a row reaches any weight for an output, even one of 0: see `createHas`. Where rows
 * differ in that, an additional column counts the weights.
 */
export function findCounted(ensemble: TreeEnsemble, structure: Structure): Counted {
  const { outputs, weightOutputs } = ensemble;
  const counted = new Array<number>(outputs).fill(NEVER);
  const sometimes = new Set<number>();
  for (const tree of structure.trees) {
    let leaves = 0;
    const hits = new Map<number, number>();
    for (const { first, last } of leavesOf(ensemble, structure, tree)) {
      leaves++;
      const met = new Set<number>();
      for (let i = first; i < last; i++) met.add(weightOutputs[structure.weightOrder[i] as number] as number);
      for (const output of met) hits.set(output, (hits.get(output) ?? 0) + 1);
    }
    for (const [output, hit] of hits) {
      if (hit === leaves) counted[output] = ALWAYS;
      else sometimes.add(output);
    }
  }
  let width = outputs;
  for (const output of sometimes) if (counted[output] === NEVER) counted[output] = width++;
  return { counted, width };
}

/** The lists of all leaves, and where each begins. The list at 0 is empty. */
function writeLists(
  ensemble: TreeEnsemble,
  structure: Structure,
  counted: readonly number[],
): { lists: Uint32Array; begins: Uint32Array } {
  const { weights, weightOutputs, nodeIds } = ensemble;
  const { trees, weightOrder } = structure;
  const begins = new Uint32Array(nodeIds.length);
  let length = 1;
  for (const tree of trees) {
    for (const { node, first, last } of leavesOf(ensemble, structure, tree)) {
      begins[node] = length++;
      for (let i = first; i < last; i++) {
        const column = counted[weightOutputs[weightOrder[i] as number] as number] as number;
        length += column < 0 ? 2 : 4;
      }
    }
  }
  const lists = new Uint32Array(length);
  for (const tree of trees) {
    for (const { node, first, last } of leavesOf(ensemble, structure, tree)) {
      const begin = begins[node] as number;
      let at = begin + 1;
      for (let i = first; i < last; i++) {
        const weight = weightOrder[i] as number;
        const output = weightOutputs[weight] as number;
        const column = counted[output] as number;
        lists[at++] = output;
        lists[at++] = bitsOf(weights[weight] as number);
        if (column < 0) continue;
        lists[at++] = column;
        lists[at++] = bitsOf(1);
      }
      lists[begin] = (at - begin - 1) / 2;
    }
  }
  return { lists, begins };
}

/**
 * Chooses the shortest description of the leaves; `wordOf` is the word in a leaf's packed node.
 *
 * @param known what is counted, where these trees are some of several that have lists
 */
export function describeLeaves(
  ensemble: TreeEnsemble,
  structure: Structure,
  known?: Counted,
): { leaves: Leaves; wordOf: (leaf: number) => number } {
  const { outputs, weights } = ensemble;
  const single = known ? undefined : findTargets(ensemble, structure);
  const targets = new Uint32Array(Math.ceil(structure.trees.length / LANES) * LANES);
  if (single) {
    targets.set(single);
    const counted = new Array<number>(outputs).fill(NEVER);
    for (const target of single) counted[target] = ALWAYS;
    return {
      leaves: { targets, lists: new Uint32Array(0), width: outputs, counted },
      wordOf: (leaf) =>
        bitsOf(weights[structure.weightOrder[structure.weightStart[leaf] as number] as number] as number),
    };
  }
  const { counted, width } = known ?? findCounted(ensemble, structure);
  const { lists, begins } = writeLists(ensemble, structure, counted);
  return { leaves: { targets, lists, width, counted }, wordOf: (leaf) => begins[leaf] as number };
}
