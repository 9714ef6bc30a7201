import type { Mode, PostTransform, TreeEnsemble } from '../../../worker/forest/ensemble.ts';
import { MODES } from '../../../worker/forest/ensemble.ts';
import type { Label } from '../../../worker/protocol.ts';
import { graphLabel } from '../../../worker/protocol.ts';
import type { Signature } from '../../model/signature.ts';
import type { Attribute } from '../../../worker/onnx/attribute.ts';
import { elementTypeOf } from '../../../worker/onnx/elementTypes.ts';
import type { OnnxNode } from '../../../worker/onnx/node.ts';
import { OnnxRefused } from '../../../worker/onnx/onnxRefused.ts';
import type { Labels } from '../labelEncoding.ts';
import { encodeLabels, listOf } from '../labelEncoding.ts';
import type { CutPoint } from './cutPoint.ts';
import type { Shared } from './ensembleParts.ts';
import { eachPart, missingTrue } from './ensembleParts.ts';
import { readTreeEnsemble5 } from './readTreeEnsemble5.ts';

/** A tree ensemble that answers the model's outputs by itself. */
export interface ForestRest {
  readonly kind: 'forest';
  /** As a whole, read at each use: several times the size of the packed forest. */
  readonly ensemble: TreeEnsemble;
  /** Calls `take` with some trees at a time. @returns false where that is impossible: see eachPart */
  readonly eachPart: (take: (part: TreeEnsemble) => void, partNodes?: number) => boolean;
  /** The whole ensemble with the covers of its nodes; undefined where the file has none. */
  readonly explained: () => TreeEnsemble | undefined;
  /** The node of the graph; undefined for an operator that has no covers. */
  readonly node: OnnxNode | undefined;
  /** Whether the file has covers, by its first nodes. */
  readonly hasCovers: boolean;
  /** As the signature has them; empty for a regression. */
  readonly classes: readonly Label[];
}

const KINDS: Readonly<Record<string, TreeEnsemble['kind']>> = {
  TreeEnsembleClassifier: 'classifier',
  TreeEnsembleRegressor: 'regressor',
  TreeEnsemble: 'regressor',
};

const POST_TRANSFORMS: readonly PostTransform[] = ['NONE', 'LOGISTIC', 'SOFTMAX', 'SOFTMAX_ZERO', 'PROBIT'];
const AGGREGATES: readonly TreeEnsemble['aggregate'][] = ['SUM', 'AVERAGE', 'MIN', 'MAX'];

/** A word of a closed set; `usual` where the attribute is missing. */
function word<T extends string>(attribute: Attribute | undefined, words: readonly T[], usual: T): T {
  const found = attribute?.string() ?? usual;
  const known = words.find((candidate) => candidate === found);
  if (known === undefined) throw new OnnxRefused('an attribute holds a name that is not known');
  return known;
}

/** What holds for all trees; undefined for double precision, which exporters don't write. */
function readShared(
  { attributes }: OnnxNode,
  kind: TreeEnsemble['kind'],
  outputs: number,
): Shared | undefined {
  if ([...attributes.keys()].some((name) => name.endsWith('_as_tensor'))) return undefined;
  return {
    kind,
    outputs,
    baseValues: attributes.get('base_values')?.floats() ?? new Float32Array(),
    postTransform: word(attributes.get('post_transform'), POST_TRANSFORMS, 'NONE'),
    aggregate: word(attributes.get('aggregate_function'), AGGREGATES, 'SUM'),
  };
}

/** The attributes of leaf weights begin so. */
const prefixOf = (kind: TreeEnsemble['kind']): string => (kind === 'classifier' ? 'class' : 'target');

/** Reads a tree ensemble's attributes; compileForest checks them. */
function readEnsemble({ attributes }: OnnxNode, shared: Shared): TreeEnsemble {
  const prefix = prefixOf(shared.kind);
  const int32s = (name: string): Int32Array => attributes.get(name)?.int32s() ?? new Int32Array();
  const floats = (name: string): Float32Array => attributes.get(name)?.floats() ?? new Float32Array();
  const nodeModes = attributes.get('nodes_modes')?.enums(MODES satisfies readonly Mode[]) ?? new Uint8Array();
  const missing = attributes.get('nodes_missing_value_tracks_true')?.int32s();
  return {
    ...shared,
    nodeTreeIds: int32s('nodes_treeids'),
    nodeIds: int32s('nodes_nodeids'),
    nodeModes,
    nodeFeatures: int32s('nodes_featureids'),
    nodeValues: floats('nodes_values'),
    nodeTrueIds: int32s('nodes_truenodeids'),
    nodeFalseIds: int32s('nodes_falsenodeids'),
    nodeMissingTrue: missingTrue(missing, nodeModes.length),
    weightTreeIds: int32s(`${prefix}_treeids`),
    weightNodeIds: int32s(`${prefix}_nodeids`),
    weightOutputs: int32s(`${prefix}_ids`),
    weights: floats(`${prefix}_weights`),
  };
}

const COVERS = 'nodes_hitrates';
/** A tree's root has more than one row. Exporters that know no covers write 1 for all nodes. */
const FIRST_NODES = 256;

/** The rest of a graph that is this node, whose lists are read when they are needed. */
const forestOf = (node: OnnxNode, shared: Shared, classes: ForestRest['classes']): ForestRest => ({
  kind: 'forest',
  node,
  get ensemble() {
    return readEnsemble(node, shared);
  },
  eachPart: (take, partNodes) => eachPart(node, prefixOf(shared.kind), shared, take, partNodes),
  explained: () => {
    const nodeCovers = node.attributes.get(COVERS)?.floats();
    return nodeCovers && { ...readEnsemble(node, shared), nodeCovers };
  },
  get hasCovers() {
    const first = node.attributes.get(COVERS)?.cursors.floats().take(FIRST_NODES);
    return first?.some((cover) => cover !== 1) ?? false;
  },
  classes,
});

/** Nodes that pass outputs through: an exporter writes one or two. */
const MAX_PASSING = 16;

/** Integer labels up to here stay the same in a float. */
const FLOAT_INTEGERS = 2 ** 24;

/**
 * Whether a node passes labels or scores through; a cast of integer labels changes their type, not their value.
 *
 * @param labels undefined for scores, which are floats
 */
function passes({ op, domain, attributes }: OnnxNode, labels: Labels | undefined): boolean {
  if (domain === '' && op === 'Identity') return true;
  if (domain === 'ai.onnx.ml' && op === 'ZipMap') return true;
  if (domain !== '' || op !== 'Cast') return false;
  const to = elementTypeOf(attributes.get('to')?.int() ?? 0);
  if (labels === undefined) return to === 'float';
  return (
    labels.length > 0 &&
    labels.every((label) => typeof label === 'number' && Math.abs(label) < FLOAT_INTEGERS) &&
    (to === 'int64' || to === 'int32' || to === 'float' || to === 'double')
  );
}

/** Where the outputs of the nodes behind an ensemble come from, and which labels they hold. */
interface Traced {
  readonly origin: (name: string) => string;
  readonly labels: ReadonlyMap<string, Labels>;
}

/**
 * Follows all nodes but the ensemble; undefined where one of them changes values, but for names that it gives labels.
 *
 * @param nodes in an order in which they can be run
 */
function follow(nodes: readonly OnnxNode[], label: string, own: Labels): Traced | undefined {
  const from = new Map<string, string>();
  const labels = new Map([[label, own]]);
  for (const node of nodes) {
    const [input, output] = [node.inputs[0], node.outputs[0]];
    if (input === undefined || output === undefined) return undefined;
    const before = labels.get(input);
    const encodes = node.op === 'LabelEncoder' && node.domain === 'ai.onnx.ml' && before !== undefined;
    const after = encodes ? encodeLabels(node, before) : before;
    if (encodes ? after === undefined : !passes(node, before)) return undefined;
    if (after !== undefined) labels.set(output, after);
    from.set(output, input);
  }
  const origin = (name: string): string => {
    let found = name;
    for (let before = from.get(found); before !== undefined; before = from.get(found)) found = before;
    return found;
  };
  return { origin, labels };
}

/**
 * The rest of a graph as a forest, if it is nothing but a tree ensemble.
 *
 * @returns undefined for any other rest
 * @throws {OnnxRefused} when an attribute is damaged
 */
export function readForest({ name, nodes }: CutPoint, { task, outputs }: Signature): ForestRest | undefined {
  const trees = nodes.filter(({ op, domain }) => domain === 'ai.onnx.ml' && Object.hasOwn(KINDS, op));
  const [tree] = trees;
  if (tree === undefined || trees.length !== 1 || tree.inputs[0] !== name) return undefined;
  const kind = KINDS[tree.op] as TreeEnsemble['kind'];
  const others = nodes.filter((node) => node !== tree);
  if (others.length > MAX_PASSING) return undefined;

  if (kind === 'classifier') {
    if (task !== 'classification') return undefined;
    const { label = '', probabilities = '', classes = [] } = outputs;
    const own = listOf(tree, 'classlabels_strings', 'classlabels_int64s') ?? [];
    const traced = follow(others, tree.outputs[0] ?? '', own);
    const labels = traced?.labels.get(label);
    const inOrder =
      labels?.length === classes.length &&
      labels.every((name, i) => String(name) === graphLabel(classes[i] as Label));
    if (!inOrder || traced?.origin(probabilities) !== tree.outputs[1]) return undefined;
    const shared = readShared(tree, kind, own.length);
    return shared && forestOf(tree, shared, classes);
  }
  const targets = tree.attributes.get('n_targets')?.int() ?? 1;
  const traced = follow(others, '', []);
  const hasValue = task === 'regression' || task === 'ranking';
  if (!hasValue || targets !== 1 || traced?.origin(outputs.value ?? '') !== tree.outputs[0]) return undefined;
  if (tree.op !== 'TreeEnsemble') {
    const shared = readShared(tree, kind, targets);
    return shared && forestOf(tree, shared, []);
  }
  const ensemble = readTreeEnsemble5(tree);
  if (!ensemble) return undefined;
  return {
    kind: 'forest',
    ensemble,
    eachPart: () => false,
    explained: () => undefined,
    node: undefined,
    hasCovers: false,
    classes: [],
  };
}
