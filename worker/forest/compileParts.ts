import { makeSlotsAbsolute } from './absoluteSlots.ts';
import { MAX_NODES, MAX_WEIGHTS, MIXED, checkEnsemble, refuse } from './checkEnsemble.ts';
import type { CompiledForest } from './compileForest.ts';
import { NEUTRAL, aggregateOf } from './compileForest.ts';
import type { TreeEnsemble } from './ensemble.ts';
import { placeArrays } from './forestMemory.ts';
import type { Counted } from './leaves.ts';
import { ALWAYS, NEVER, bitsOf, describeLeaves, findCounted } from './leaves.ts';
import { createNodeMemory } from './nodeMemory.ts';
import { LANES, packTrees } from './packTrees.ts';
import type { Structure } from './structure.ts';
import { findStructure } from './structure.ts';
import type { Transform } from './transforms.ts';

/** Calls `take` with some trees of an ensemble at a time, in their order. @returns false where that is impossible */
export type EachPart = (take: (part: TreeEnsemble) => void) => boolean;

interface Checked {
  readonly part: TreeEnsemble;
  readonly structure: Structure;
}
type EachChecked = (take: (checked: Checked) => void) => boolean;

/** Several passes may be needed. An ensemble of one part is read once: for many small models that is half of the time. */
function checkEach(each: EachPart, features: number): EachChecked {
  let only: Checked | undefined;
  return (take) => {
    if (only) {
      take(only);
      return true;
    }
    /** The first part, until another one shows that it isn't the only one. */
    let held: Checked | undefined;
    let parts = 0;
    const done = each((part) => {
      checkEnsemble(part, features);
      const checked = { part, structure: findStructure(part) };
      if (++parts === 1) {
        held = checked;
        return;
      }
      if (held) take(held);
      held = undefined;
      take(checked);
    });
    if (done && held) {
      only = held;
      take(only);
    }
    return done;
  };
}

/** Some leaf has not exactly one weight, or a tree several outputs. */
class NeedsLists extends Error {}

/** The same for all trees of an ensemble: what is counted in some of them is counted in all. */
function mergeCounted(parts: readonly Counted[], outputs: number): Counted {
  const counted = Array.from({ length: outputs }, (_, output) => {
    const all = parts.map((part) => part.counted[output] as number);
    return all.includes(ALWAYS) ? ALWAYS : (all.find((column) => column !== NEVER) ?? NEVER);
  });
  let width = outputs;
  return { counted: counted.map((column) => (column < 0 ? column : width++)), width };
}

/** Facts about all weights, gathered part by part. */
function createFacts() {
  let nodes = 0;
  let weightCount = 0;
  let firstOutput: number | undefined;
  let oneOutput = true;
  let positive = true;
  return {
    add: ({ nodeIds, weights, weightOutputs }: TreeEnsemble): void => {
      nodes += nodeIds.length;
      weightCount += weights.length;
      if (nodes > MAX_NODES) refuse(`more than ${MAX_NODES} nodes`);
      if (weightCount > MAX_WEIGHTS) refuse(`more than ${MAX_WEIGHTS} weights`);
      firstOutput ??= weightOutputs[0];
      oneOutput &&= weightOutputs.every((output) => output === firstOutput);
      positive &&= weights.every((weight) => !(weight < 0));
    },
    get oneOutput() {
      return oneOutput;
    },
    get positive() {
      return positive;
    },
  };
}

/** Compiles all parts. @throws {NeedsLists} unless it is known what is counted */
function link(each: EachChecked, features: number, counted?: Counted): CompiledForest | undefined {
  const nodeMemory = createNodeMemory();
  const facts = createFacts();
  const roots: number[] = [];
  const targets: number[] = [];
  const lists: Uint32Array[] = [];
  // The list at 0 is empty.
  let listWords = 1;
  let first: TreeEnsemble | undefined;
  const done = each(({ part, structure }) => {
    first ??= part;
    facts.add(part);
    const { leaves, wordOf } = describeLeaves(part, structure, counted);
    if (!counted && leaves.lists.length > 0) throw new NeedsLists();
    const packed = packTrees(part, structure, wordOf, 0);
    const start = nodeMemory.append(packed, counted && listWords - 1);
    structure.trees.forEach((_, tree) => {
      roots.push(start + (packed.roots[tree] as number));
      targets.push(leaves.targets[tree] as number);
    });
    if (!counted) return;
    lists.push(leaves.lists.subarray(1));
    listWords += leaves.lists.length - 1;
  });
  if (!done || !first) return undefined;
  const { kind, outputs, baseValues, postTransform } = first;
  const oneSided = outputs === 2 && facts.oneOutput;
  if (kind === 'classifier' && outputs === 2 && baseValues.length === 1 && !oneSided) refuse(MIXED);
  const aggregate = aggregateOf(first);
  const { nodes, shift, columns, idleSlot } = nodeMemory.close(counted ? 0 : bitsOf(NEUTRAL[aggregate]));
  const padded = (values: readonly number[], filler: number): Uint32Array => {
    const all = new Uint32Array(Math.ceil(values.length / LANES) * LANES).fill(filler);
    all.set(values);
    return all;
  };
  const paddedRoots = padded(roots, idleSlot);
  const allLists = new Uint32Array(counted ? listWords : 0);
  let end = 1;
  for (const some of lists) {
    allLists.set(some, end);
    end += some.length;
  }
  return {
    memory: nodeMemory.memory,
    nodes,
    ...makeSlotsAbsolute({ nodes, shift, columns, roots: paddedRoots }),
    ...placeArrays(nodeMemory.memory, {
      roots: paddedRoots,
      targets: padded(targets, 0),
      lists: allLists,
      columns,
    }),
    width: counted?.width ?? outputs,
    counted:
      counted?.counted ??
      Array.from({ length: outputs }, (_, output) => (targets.includes(output) ? ALWAYS : NEVER)),
    kind,
    outputs,
    features,
    trees: roots.length,
    aggregate,
    baseValues,
    postTransform: postTransform as Transform,
    oneSided,
    weightsArePositive: facts.positive,
  };
}

/**
 * Compiles an ensemble that is never in memory as a whole: beside the packed forest, some trees at a time are.
 *
 * @returns undefined where `each` is impossible: see compileForest
 * @throws {EnsembleRefused} as compileForest does
 */
export function compileParts(each: EachPart, features: number): CompiledForest | undefined {
  const eachChecked = checkEach(each, features);
  try {
    return link(eachChecked, features);
  } catch (error) {
    if (!(error instanceof NeedsLists)) throw error;
  }
  const counted: Counted[] = [];
  let outputs = 0;
  const done = eachChecked(({ part, structure }) => {
    counted.push(findCounted(part, structure));
    outputs = part.outputs;
  });
  return done ? link(eachChecked, features, mergeCounted(counted, outputs)) : undefined;
}
