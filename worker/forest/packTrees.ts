import { LEAF, refuse } from './checkEnsemble.ts';
import type { TreeEnsemble } from './ensemble.ts';
import { MODES } from './ensemble.ts';
import { SIDES, lowerAll } from './lowering.ts';
import { FAR, searchSets } from './searchSets.ts';
import type { Structure } from './structure.ts';

const TRUE = SIDES.indexOf('true');
const SECOND = SIDES.indexOf('second');

/** Slots of packed nodes: 256 MB. */
export const MAX_SLOTS = 2 ** 25;
/** Nodes in a cache line; every tree begins a new line. */
const LINE = 8;
/** The kernel walks one row through this many trees at once. */
export const LANES = 8;

/** What the kernel walks: see kernel.c. */
export interface PackedTrees {
  /** Two words a node. */
  readonly nodes: Uint32Array;
  /** Slot of each root, padded to a multiple of eight with trees that are only the idle leaf. */
  readonly roots: Uint32Array;
  /** Number of low bits of a node's second word that hold a slot; the others hold 8 times a column. */
  readonly shift: number;
  /** Column c + 1 is the feature `columns[c] >> 1`; where the low bit is 1, NaN is replaced by -Infinity. */
  readonly columns: Uint32Array;
}

/** The columns that tests compare: a feature, and whether its test holds for NaN. */
export interface Columns {
  /** @param key as in `PackedTrees.columns` */
  find(key: number): number;
  list(): Uint32Array;
}

/** Numbers the columns from 1, in the order of their first use. */
export function createColumns(): Columns {
  const numbers = new Map<number, number>();
  return {
    find: (key) => {
      let number = numbers.get(key);
      if (number === undefined) numbers.set(key, (number = numbers.size + 1));
      return number;
    },
    list: () => {
      const list = new Uint32Array(numbers.size);
      list.set([...numbers.keys()]);
      return list;
    },
  };
}

/** @throws {EnsembleRefused} unless a column and a slot fit into a word */
export function checkWord(columns: number, shift: number): void {
  if ((columns + 1) * LANES * 2 ** shift > 2 ** 32)
    refuse(`${columns} columns and ${2 ** shift} nodes in a tree don't fit into 32 bits`);
}

/** Slots of each tree: a pair for the root, which has no sibling, and a pair for the children of every test. */
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

/** The size of each node's subtree: an estimate of how many rows reach the node. */
function subtreeSizes({ order, trueChild, falseChild }: Structure): Float64Array {
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

/** The slot at which each tree begins, and the number of slots in total. */
function placeRoots(slots: readonly number[]): { roots: Uint32Array; total: number } {
  const roots = new Uint32Array(Math.ceil(slots.length / LANES) * LANES);
  let total = 0;
  slots.forEach((n, tree) => {
    roots[tree] = total;
    total += Math.ceil(n / LINE) * LINE;
  });
  if (total > MAX_SLOTS) refuse(`${total} packed nodes are more than ${MAX_SLOTS}`);
  return { roots: roots.fill(total, slots.length), total };
}

/**
 * A node, or the second test of one: twice the node's position, plus 1 for its second test. A number, since there may be
 * two million of them.
 */
type Place = number;

/**
 * Lays out the nodes. Children are stored in pairs, and the pairs below a pair side by side, so that a fetched cache line
 * often serves the next step too; the larger subtree follows first. Iterative, since recursion would overflow in deep
 * trees. `leafWord` is the word in a leaf's node.
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
  const nodes = new Uint32Array(2 * (total + 1));
  const thresholds = new Float32Array(nodes.buffer);
  nodes[2 * total] = idleLeaf;
  const columns = createColumns();
  const sizes = subtreeSizes(structure);
  const columnUnit = LANES * 2 ** shift;
  /** Slot of the pair below each place, 0 for none yet. */
  const pairs = new Uint32Array(2 * nodeIds.length);

  const tests = lowerAll(ensemble);
  const far = searchSets(ensemble, structure, tests);
  let root = 0;
  let free = 0;

  /** Writes a node into a slot. Returns whether its children are still to be written. */
  const write = (slot: number, place: Place): boolean => {
    const node = place >> 1;
    const at = 2 * (root + slot);
    if (nodeModes[node] === LEAF) {
      nodes[at] = leafWord(node);
      nodes[at + 1] = slot;
      return false;
    }
    const column = columns.find(2 * (nodeFeatures[node] as number) + Number(tests.missingHolds[place] === 1));
    const isNew = pairs[place] === 0;
    if (isNew) {
      pairs[place] = free;
      free += 2;
    }
    thresholds[at] = tests.threshold[place] as number;
    nodes[at + 1] = column * columnUnit + (pairs[place] as number);
    // A node to which two tests lead is in two slots, but its children are in one pair.
    return isNew;
  };
  const child = (place: Place, side: number, holds: 0 | 1): Place => {
    if (side === FAR) return far[2 * place + holds] as number;
    return side === SECOND ? place + 1 : 2 * ((side === TRUE ? trueChild : falseChild)[place >> 1] as number);
  };
  const sizeOf = (place: Place): number => sizes[place >> 1] as number;

  trees.forEach(({ start }, tree) => {
    root = roots[tree] as number;
    free = 2;
    const waiting: Place[] = write(0, 2 * start) ? [2 * start] : [];
    for (let place = waiting.pop(); place !== undefined; place = waiting.pop()) {
      const pair = pairs[place] as number;
      const failed = child(place, tests.fails[place] as number, 0);
      const held = child(place, tests.holds[place] as number, 1);
      const failedIsOpen = write(pair, failed);
      const heldIsOpen = write(pair + 1, held);
      // A stack: the last one pushed is written first.
      const failedFirst = sizeOf(failed) > sizeOf(held);
      if (failedIsOpen && !failedFirst) waiting.push(failed);
      if (heldIsOpen) waiting.push(held);
      if (failedIsOpen && failedFirst) waiting.push(failed);
    }
  });
  const list = columns.list();
  checkWord(list.length, shift);
  return { nodes, roots, shift, columns: list };
}
