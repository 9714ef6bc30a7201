import { LEAF, refuse } from './check.ts';
import type { TreeEnsemble } from './ensemble.ts';
import { MODES } from './ensemble.ts';
import { SIDES, lowerAll } from './lowering.ts';
import type { Structure } from './structure.ts';

const TRUE = SIDES.indexOf('true');
const SECOND = SIDES.indexOf('second');

/** Slots of packed nodes: 256 MB. */
const MAX_SLOTS = 2 ** 25;
/** Nodes in a line of the cache; every tree begins a new line. */
const LINE = 8;
/** The kernel walks one row through so many trees at once. */
export const LANES = 8;

/** What the kernel walks: see kernel.c. */
export interface PackedTrees {
  /** Two words a node. */
  readonly nodes: Uint32Array;
  /** Slot of each root. Whole eights, filled up with trees that are nothing but the idle leaf. */
  readonly roots: Uint32Array;
  /** How many of the low bits of a node's second word are a slot; the others are a column, counted by eights. */
  readonly shift: number;
  /** Column c + 1 is the feature `columns[c] >> 1`; with a low bit of 1, its NaN is -Infinity. */
  readonly columns: Uint32Array;
}

/** Words that threads can share. */
export const sharedWords = (length: number): Uint32Array =>
  new Uint32Array(new SharedArrayBuffer(4 * length));

/** Numbers the columns that tests ask for, from 1, as they come up. */
function createColumns(): { find(feature: number, missingHolds: boolean): number; list(): Uint32Array } {
  const numbers = new Map<number, number>();
  return {
    find: (feature, missingHolds) => {
      const key = 2 * feature + Number(missingHolds);
      let number = numbers.get(key);
      if (number === undefined) numbers.set(key, (number = numbers.size + 1));
      return number;
    },
    list: () => {
      const list = sharedWords(numbers.size);
      list.set([...numbers.keys()]);
      return list;
    },
  };
}

/** Slots of each tree: a pair for the root, which has no sibling, and one for the children of every test. */
function countSlots({ nodeModes }: TreeEnsemble, { trees }: Structure): number[] {
  const tests = MODES.map((mode) =>
    mode === 'LEAF' ? 0 : mode === 'BRANCH_EQ' || mode === 'BRANCH_NEQ' ? 2 : 1,
  );
  return trees.map(({ start, end }) => {
    let slots = 2;
    for (let node = start; node < end; node++) slots += 2 * (tests[nodeModes[node] as number] as number);
    return slots;
  });
}

/** How many nodes hang from each, itself included: a guess at how often rows come by. */
function weigh({ order, trueChild, falseChild }: Structure): Float64Array {
  const sizes = new Float64Array(order.length).fill(1);
  for (let i = order.length - 1; i >= 0; i--) {
    const node = order[i] as number;
    if (trueChild[node] === -1) continue;
    const below =
      (sizes[trueChild[node] as number] as number) + (sizes[falseChild[node] as number] as number);
    sizes[node] = Math.min(1 + below, Number.MAX_SAFE_INTEGER);
  }
  return sizes;
}

/** Where each tree begins, and how many slots all of them take. */
function placeRoots(slots: readonly number[]): { roots: Uint32Array; total: number } {
  const roots = sharedWords(Math.ceil(slots.length / LANES) * LANES);
  let total = 0;
  slots.forEach((n, tree) => {
    roots[tree] = total;
    total += Math.ceil(n / LINE) * LINE;
  });
  if (total > MAX_SLOTS) refuse(`${total} packed nodes are more than ${MAX_SLOTS}`);
  return { roots: roots.fill(total, slots.length), total };
}

/**
 * A node of a tree in the making, or the second test of one: twice the node's position, plus 1 for its second test. Two
 * million of them shouldn't be objects.
 */
type Place = number;

/**
 * Lays out the nodes. Children stand in pairs, and the pairs below a pair stand side by side, so that a line that the
 * cache has fetched often serves the next step too; then it goes on where most nodes hang. Recursion would fail in deep
 * trees. `leafWord` is what a leaf's node says.
 */
export function packTrees(
  ensemble: TreeEnsemble,
  structure: Structure,
  leafWord: (leaf: number) => number,
  idleLeaf: number,
): PackedTrees {
  const { nodeModes, nodeFeatures, nodeIds } = ensemble;
  const { trees, trueChild, falseChild } = structure;
  const slots = countSlots(ensemble, structure);
  const shift = 32 - Math.clz32(slots.reduce((most, n) => Math.max(most, n), 0) - 1);
  const { roots, total } = placeRoots(slots);
  const nodes = sharedWords(2 * (total + 1));
  const thresholds = new Float32Array(nodes.buffer);
  nodes[2 * total] = idleLeaf;
  const columns = createColumns();
  const sizes = weigh(structure);
  const columnUnit = LANES * 2 ** shift;
  /** Slot of the pair below each place, 0 for none yet. */
  const pairs = new Uint32Array(2 * nodeIds.length);

  const tests = lowerAll(ensemble);
  let root = 0;
  let free = 0;

  /** Writes a node into a slot. Tells whether its children are still to be written. */
  const write = (slot: number, place: Place): boolean => {
    const node = place >> 1;
    const at = 2 * (root + slot);
    if (nodeModes[node] === LEAF) {
      nodes[at] = leafWord(node);
      nodes[at + 1] = slot;
      return false;
    }
    const column = columns.find(nodeFeatures[node] as number, tests.missingHolds[place] === 1);
    const isNew = pairs[place] === 0;
    if (isNew) {
      pairs[place] = free;
      free += 2;
    }
    thresholds[at] = tests.threshold[place] as number;
    nodes[at + 1] = column * columnUnit + (pairs[place] as number);
    // What two tests lead to stands in two slots, but its children in one pair.
    return isNew;
  };
  const child = (place: Place, side: number): Place =>
    side === SECOND ? place + 1 : 2 * ((side === TRUE ? trueChild : falseChild)[place >> 1] as number);
  const sizeOf = (place: Place): number => sizes[place >> 1] as number;

  trees.forEach(({ start }, tree) => {
    root = roots[tree] as number;
    free = 2;
    const waiting: Place[] = write(0, 2 * start) ? [2 * start] : [];
    for (let place = waiting.pop(); place !== undefined; place = waiting.pop()) {
      const pair = pairs[place] as number;
      const failed = child(place, tests.fails[place] as number);
      const held = child(place, tests.holds[place] as number);
      const failedIsOpen = write(pair, failed);
      const heldIsOpen = write(pair + 1, held);
      // Last in, first out.
      const failedFirst = sizeOf(failed) > sizeOf(held);
      if (failedIsOpen && !failedFirst) waiting.push(failed);
      if (heldIsOpen) waiting.push(held);
      if (failedIsOpen && failedFirst) waiting.push(failed);
    }
  });
  const list = columns.list();
  if ((list.length + 1) * columnUnit > 2 ** 32)
    refuse(`${list.length} columns and ${2 ** shift} nodes in a tree don't fit into 32 bits`);
  return { nodes, roots, shift, columns: list };
}
