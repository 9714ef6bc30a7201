import { LEAF, refuse } from '../forest/checkEnsemble.ts';
import type { TreeEnsemble } from '../forest/ensemble.ts';
import { MODES } from '../forest/ensemble.ts';
import type { Tests } from '../forest/lowering.ts';
import { SIDES } from '../forest/lowering.ts';
import type { Structure, Tree } from '../forest/structure.ts';

const BRANCH_EQ = MODES.indexOf('BRANCH_EQ');
const BRANCH_NEQ = MODES.indexOf('BRANCH_NEQ');
const TRUE = SIDES.indexOf('true');

/** Cover fractions are divided by. */
const LEAST_FRACTION = 1e-100;
/** XGBoost's covers are sums of float32. */
const COVER_TOLERANCE = 1e-3;

/** A test as the kernel makes it. */
export interface Split {
  readonly slot: number;
  readonly feature: number;
  readonly threshold: number;
  readonly equal: boolean;
  readonly missingLeft: boolean;
  readonly left: number;
  readonly right: number;
  /** See kernel.c. */
  readonly above: number;
  readonly aboveCover: number;
  readonly leftCover: number;
  readonly rightCover: number;
}

export interface Visitor {
  split(split: Split): void;
  /** @param reach the fraction of the training rows that come here */
  leaf(node: number, slot: number, reach: number): void;
}

/** The path to the node that is visited. */
export interface Path {
  /** By feature: the last edge that tests it, and the product of its cover fractions. */
  readonly slot: Uint32Array;
  readonly cover: Float64Array;
}

export function createPath(features: number): Path {
  return { slot: new Uint32Array(features), cover: new Float64Array(features).fill(1) };
}

/** What the packing reads. */
export interface Source {
  readonly ensemble: TreeEnsemble;
  readonly covers: Float32Array;
  readonly structure: Structure;
  readonly tests: Tests;
}

/** The children where a test holds and where it doesn't, in the kernel's terms. */
function sidesOf({ ensemble, structure, tests }: Source, node: number): [left: number, right: number] {
  const [yes, no] = [structure.trueChild[node] as number, structure.falseChild[node] as number];
  const mode = ensemble.nodeModes[node];
  if (mode === BRANCH_EQ) return [yes, no];
  if (mode === BRANCH_NEQ) return [no, yes];
  return tests.holds[2 * node] === TRUE ? [yes, no] : [no, yes];
}

function checkCovers({ covers }: Source, node: number, left: number, right: number): void {
  const [own, sum] = [covers[node] as number, (covers[left] as number) + (covers[right] as number)];
  if (!(own >= 0) || !((covers[left] as number) >= 0) || !((covers[right] as number) >= 0))
    refuse('the file has node covers that are no counts');
  if (!(Math.abs(sum - own) <= COVER_TOLERANCE * own)) refuse("the covers of the file's nodes don't add up");
}

/**
 * Visits a tree's nodes, parents first. Inner nodes get the slots from 1 on, leaves those behind them.
 *
 * @returns the most features that a path tests
 * @throws {EnsembleRefused} unless the covers of children add up to their parent's
 */
export function visitTree(source: Source, { start, end }: Tree, path: Path, visitor: Visitor): number {
  const { ensemble, covers, tests } = source;
  const { nodeModes, nodeFeatures, nodeValues, nodeMissingTrue } = ensemble;
  const inner = (end - start - 1) / 2;
  if (!Number.isInteger(inner)) refuse('its trees test for sets of values');
  const size = end - start;
  const slots = new Uint32Array(size);
  /** Of the edge into a node: its feature, its cover, and what the path had before. */
  const feature = new Int32Array(size).fill(-1);
  const edgeCover = new Float64Array(size);
  const slotBefore = new Uint32Array(size);
  const coverBefore = new Float64Array(size);
  const reach = new Float64Array(size).fill(1);
  let [splits, leaves, distinct, most] = [0, 0, 0, 0];
  const numberOf = (node: number): number =>
    (slots[node - start] = nodeModes[node] === LEAF ? inner + ++leaves : ++splits);
  const enter = (node: number): void => {
    const at = node - start;
    const f = feature[at] as number;
    if (f === -1) return;
    slotBefore[at] = path.slot[f] as number;
    coverBefore[at] = path.cover[f] as number;
    if (slotBefore[at] === 0) most = Math.max(most, ++distinct);
    path.slot[f] = slots[at] as number;
    path.cover[f] = edgeCover[at] as number;
  };
  const leave = (node: number): void => {
    const at = node - start;
    const f = feature[at] as number;
    if (f === -1) return;
    path.slot[f] = slotBefore[at] as number;
    path.cover[f] = coverBefore[at] as number;
    if (slotBefore[at] === 0) distinct--;
  };
  numberOf(start);
  // A node, or ~node once all below it were visited.
  const stack = [start];
  for (let node = stack.pop(); node !== undefined; node = stack.pop()) {
    if (node < 0) {
      leave(~node);
      continue;
    }
    const at = node - start;
    enter(node);
    stack.push(~node);
    if (nodeModes[node] === LEAF) {
      visitor.leaf(node, slots[at] as number, reach[at] as number);
      continue;
    }
    const [left, right] = sidesOf(source, node);
    checkCovers(source, node, left, right);
    const f = nodeFeatures[node] as number;
    const above = path.cover[f] as number;
    // A node to which no training row came has no fractions: both sides are equal.
    const own = covers[node] as number;
    const share = own === 0 ? 0.5 : (covers[left] as number) / own;
    const rest = own === 0 ? 0.5 : (covers[right] as number) / own;
    reach[left - start] = (reach[at] as number) * share;
    reach[right - start] = (reach[at] as number) * rest;
    feature[left - start] = f;
    feature[right - start] = f;
    const toLeft = (edgeCover[left - start] = Math.max(above * share, LEAST_FRACTION));
    const toRight = (edgeCover[right - start] = Math.max(above * rest, LEAST_FRACTION));
    const equal = nodeModes[node] === BRANCH_EQ || nodeModes[node] === BRANCH_NEQ;
    const missing = nodeModes[node] === BRANCH_EQ ? nodeMissingTrue[node] : tests.missingHolds[2 * node];
    visitor.split({
      slot: slots[at] as number,
      feature: f,
      threshold: (equal ? nodeValues[node] : tests.threshold[2 * node]) as number,
      equal,
      missingLeft: missing === 1,
      left: numberOf(left),
      right: numberOf(right),
      above: path.slot[f] as number,
      aboveCover: above,
      leftCover: toLeft,
      rightCover: toRight,
    });
    stack.push(right, left);
  }
  return most;
}
