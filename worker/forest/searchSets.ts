import type { TreeEnsemble } from './ensemble.ts';
import { MODES } from './ensemble.ts';
import type { Tests } from './lowering.ts';
import { SIDES, nextBelow } from './lowering.ts';
import type { Structure } from './structure.ts';

const BRANCH_EQ = MODES.indexOf('BRANCH_EQ');

/** The side of a test that leads to a place of its own, beside SIDES. */
export const FAR = SIDES.length;

/** The nodes of a chain that tests for the members of one set, from its first. */
function chainFrom(ensemble: TreeEnsemble, structure: Structure, first: number): number[] {
  const { nodeModes, nodeFeatures, nodeMissingTrue } = ensemble;
  const { trueChild, falseChild } = structure;
  const chain: number[] = [];
  for (let node = first; ; node = falseChild[node] as number) {
    const isNext =
      nodeModes[node] === BRANCH_EQ &&
      nodeFeatures[node] === nodeFeatures[first] &&
      nodeMissingTrue[node] === nodeMissingTrue[first] &&
      trueChild[node] === trueChild[first];
    if (!isNext) return chain;
    chain.push(node);
  }
}

/** Writes the tests of a chain as a search among the ends of its members. */
function searchChain(
  ensemble: TreeEnsemble,
  { trueChild, falseChild }: Structure,
  chain: readonly number[],
  tests: Tests,
  far: Int32Array,
): void {
  const [first = 0] = chain;
  const last = chain.at(-1) as number;
  const members = [...new Set(chain.map((node) => ensemble.nodeValues[node] as number))].sort(
    (a, b) => a - b,
  );
  const ends = members.flatMap((member) => [nextBelow(member), member]);
  let used = 0;
  /** @returns the place to which a value leads that is behind `low` ends at least, and `high` at most */
  const search = (low: number, high: number): number => {
    // Behind an odd number of ends it is within a member.
    if (low === high) return 2 * ((low % 2 === 1 ? trueChild[first] : falseChild[last]) as number);
    // The places of the chain's own tests; what leads to the chain leads to the first.
    const place = 2 * (chain[used >> 1] as number) + (used & 1);
    used++;
    // The last end is only tested alone: NaN fails the tests before it.
    const middle = (low + high - 1) >> 1;
    const isLast = middle === ends.length - 1;
    tests.threshold[place] = ends[middle] as number;
    tests.missingHolds[place] = Number(isLast && ensemble.nodeMissingTrue[first] === 1);
    tests.holds[place] = tests.fails[place] = FAR;
    far[2 * place + 1] = search(low, middle);
    far[2 * place] = search(middle + 1, high);
    return place;
  };
  search(0, ends.length);
}

/**
 * Replaces chains of BRANCH_EQ, which exporters write for sets of categories, by searches: of 64 members a row takes some
 * 7 tests rather than up to 128.
 *
 * @returns the places that tests with the side FAR lead to: at twice the place if they fail, behind it if they hold
 */
export function searchSets(ensemble: TreeEnsemble, structure: Structure, tests: Tests): Int32Array {
  const { nodeModes, nodeValues } = ensemble;
  if (!nodeModes.includes(BRANCH_EQ)) return new Int32Array();
  const far = new Int32Array(4 * nodeModes.length);
  const seen = new Uint8Array(nodeModes.length);
  for (const node of structure.order) {
    if (nodeModes[node] !== BRANCH_EQ || seen[node] === 1) continue;
    const chain = chainFrom(ensemble, structure, node);
    for (const one of chain) seen[one] = 1;
    // Nothing is below -Infinity.
    if (chain.length > 1 && chain.every((one) => nodeValues[one] !== -Infinity))
      searchChain(ensemble, structure, chain, tests, far);
  }
  return far;
}
