import type { TreeEnsemble } from '../../../worker/forest/ensemble.ts';
import { MODES } from '../../../worker/forest/ensemble.ts';
import type { Attribute } from '../../../worker/onnx/attribute.ts';
import type { ListCursor } from '../../../worker/onnx/packedLists.ts';
import type { OnnxNode } from '../../../worker/onnx/node.ts';

const PART_NODES = 2 ** 16;

/** What holds for all trees. */
export type Shared = Pick<TreeEnsemble, 'kind' | 'outputs' | 'baseValues' | 'postTransform' | 'aggregate'>;

type Numbers = Int32Array | Float32Array | Uint8Array;

/** The trees can't be read one after the other, since exporters that put them so are not the only ones. */
class Unordered extends Error {}

/** `nodeMissingTrue` of an ensemble by an attribute that it may lack. */
export const missingTrue = (flags: Int32Array | undefined, nodes: number): Uint8Array =>
  flags ? Uint8Array.from(flags, (flag) => +(flag === 1)) : new Uint8Array(nodes);

/** A cursor whose next elements can be looked at before they are taken. */
function peeking(cursor: ListCursor<Int32Array>) {
  let ahead: Int32Array | undefined;
  return {
    /** At least this many elements that are still to be taken, or all that remain. */
    peek: (least: number): Int32Array => {
      ahead ??= cursor.take(least);
      if (ahead.length < least) {
        const more = cursor.take(least - ahead.length);
        const both = new Int32Array(ahead.length + more.length);
        both.set(ahead);
        both.set(more, ahead.length);
        ahead = both;
      }
      return ahead;
    },
    drop: (count: number): void => {
      ahead = ahead?.slice(count);
    },
  };
}

/** Exactly this many. */
function takeExactly<T extends Numbers>(cursor: ListCursor<T>, count: number): T {
  const taken = cursor.take(count);
  if (taken.length !== count) throw new Unordered();
  return taken;
}

/** How many of the first nodes make whole trees: 0 where the first tree goes on. */
function wholeTrees(treeIds: Int32Array, isEnd: boolean): number {
  if (isEnd) return treeIds.length;
  let end = treeIds.length;
  while (end > 0 && treeIds[end - 1] === treeIds[treeIds.length - 1]) end--;
  return end;
}

function* readParts(
  { attributes }: OnnxNode,
  prefix: string,
  shared: Shared,
  partNodes: number,
): Iterable<TreeEnsemble> {
  const cursorsOf = (name: string): Attribute['cursors'] => {
    const attribute = attributes.get(name);
    if (attribute === undefined) throw new Unordered();
    return attribute.cursors;
  };
  const ints = (name: string): ListCursor<Int32Array> => cursorsOf(name).int32s();
  const floats = (name: string): ListCursor<Float32Array> => cursorsOf(name).floats();
  const treeIds = peeking(ints('nodes_treeids'));
  const weightTreeIds = peeking(ints(`${prefix}_treeids`));
  const modes = cursorsOf('nodes_modes').enums(MODES);
  const nodeIds = ints('nodes_nodeids');
  const features = ints('nodes_featureids');
  const values = floats('nodes_values');
  const trueIds = ints('nodes_truenodeids');
  const falseIds = ints('nodes_falsenodeids');
  const missing = attributes.get('nodes_missing_value_tracks_true')?.cursors.int32s();
  const weightNodeIds = ints(`${prefix}_nodeids`);
  const weightOutputs = ints(`${prefix}_ids`);
  const weights = floats(`${prefix}_weights`);
  const seen = new Set<number>();

  /** The weights of these trees stand first among those that are left. */
  const countWeights = (trees: ReadonlySet<number>): number => {
    for (let least = PART_NODES, from = 0; ; least *= 2) {
      const ids = weightTreeIds.peek(least);
      for (; from < ids.length; from++) if (!trees.has(ids[from] as number)) return from;
      if (ids.length < least) return ids.length;
    }
  };
  let firstWeight = 0;
  for (let least = partNodes; ;) {
    const ahead = treeIds.peek(least);
    if (ahead.length === 0) break;
    const count = wholeTrees(ahead, ahead.length < least);
    if (count === 0) {
      least *= 2;
      continue;
    }
    least = partNodes;
    const nodeTreeIds = ahead.slice(0, count);
    treeIds.drop(count);
    const trees = new Set(nodeTreeIds);
    for (const tree of trees) {
      if (seen.has(tree)) throw new Unordered();
      seen.add(tree);
    }
    const leaves = countWeights(trees);
    const ownWeights = weightTreeIds.peek(leaves).slice(0, leaves);
    weightTreeIds.drop(leaves);
    yield {
      ...shared,
      firstWeight,
      nodeTreeIds,
      nodeIds: takeExactly(nodeIds, count),
      nodeModes: takeExactly(modes, count),
      nodeFeatures: takeExactly(features, count),
      nodeValues: takeExactly(values, count),
      nodeTrueIds: takeExactly(trueIds, count),
      nodeFalseIds: takeExactly(falseIds, count),
      nodeMissingTrue: missingTrue(missing && takeExactly(missing, count), count),
      weightTreeIds: ownWeights,
      weightNodeIds: takeExactly(weightNodeIds, leaves),
      weightOutputs: takeExactly(weightOutputs, leaves),
      weights: takeExactly(weights, leaves),
    };
    firstWeight += leaves;
  }
  const others = [nodeIds, modes, features, values, trueIds, falseIds, weightNodeIds, weightOutputs, weights];
  const rest = [...others, ...(missing ? [missing] : [])].some((list) => list.take(1).length > 0);
  if (rest || weightTreeIds.peek(1).length > 0) throw new Unordered();
}

/**
 * Reads an ensemble some trees at a time, so that it is never in memory as a whole.
 *
 * @param take is called with each part
 * @param partNodes nodes of a part, unless a single tree has more
 * @returns false where the lists aren't in the order of the trees, or don't fit each other; then it was called in vain
 * @throws {OnnxRefused} when an attribute is damaged; @throws what `take` throws
 */
export function eachPart(
  node: OnnxNode,
  prefix: string,
  shared: Shared,
  take: (part: TreeEnsemble) => void,
  partNodes = PART_NODES,
): boolean {
  try {
    for (const part of readParts(node, prefix, shared, partNodes)) take(part);
    return true;
  } catch (error) {
    if (error instanceof Unordered) return false;
    throw error;
  }
}
