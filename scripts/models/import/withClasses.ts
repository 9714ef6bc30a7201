import { inferOutputs, makerOf } from '../../../server/loading/inferOutputs.ts';
import type { Signature } from '../../../server/model/signature.ts';
import { GRAPH, editGraph } from '../../../worker/onnx/editGraph.ts';
import { tensorTypeOf } from '../../../worker/onnx/elementTypes.ts';
import type { OnnxGraph } from '../../../worker/onnx/graph.ts';
import type { OnnxModel } from '../../../worker/onnx/model.ts';
import { OnnxRefused } from '../../../worker/onnx/onnxRefused.ts';
import type { OnnxValue } from '../../../worker/onnx/value.ts';
import { withoutZipMap } from '../../../worker/onnx/withoutZipMap.ts';
import type { AttributeValue } from '../../../worker/onnx/write.ts';
import { writeNode, writeValue } from '../../../worker/onnx/write.ts';
import type { Label } from '../../../worker/protocol.ts';
import { Failure } from '../../cli/faults.ts';
import type { ScoreKind } from './appendLabel.ts';
import { INT64, STRING, appendLabel, classesFrom, kindOf, namer } from './appendLabel.ts';

interface Classified {
  readonly onnx: Uint8Array;
  readonly outputs: Signature['outputs'];
  /** What was assumed. */
  readonly note: string;
}

/** A label that has classes, and its classes by other names. */
function renamed(
  onnx: Uint8Array,
  graph: OnnxGraph,
  {
    label,
    classes,
    probabilities,
  }: Required<Pick<Signature['outputs'], 'label' | 'classes' | 'probabilities'>>,
  names: readonly string[],
): Classified {
  if (names.length !== classes.length)
    throw new Failure(`it has ${classes.length} classes, so --classes needs ${classes.length} names`);
  const own = classesFrom(names);
  const list = (kind: 'keys' | 'values', all: readonly Label[]): Record<string, AttributeValue> =>
    typeof all[0] === 'string'
      ? { [`${kind}_strings`]: { strings: all as readonly string[] } }
      : { [`${kind}_int64s`]: { ints: all as readonly number[] } };
  const made = namer(graph)('class_name');
  const attributes = { ...list('keys', classes), ...list('values', own) };
  const node = { op: 'LabelEncoder', domain: 'ai.onnx.ml', inputs: [label], outputs: [made], attributes };
  return {
    onnx: editGraph(onnx, {}, [
      [GRAPH.node, writeNode(node)],
      [GRAPH.output, writeValue(made, typeof own[0] === 'string' ? STRING : INT64, ['N'])],
    ]),
    outputs: { label: made, probabilities, classes: own },
    note: `its classes ${classes.map(String).join(', ')} are now ${names.join(', ')}, in this order`,
  };
}

/** A table of scores. */
interface Scores {
  readonly name: string;
  /** Its columns, where they are known. */
  readonly width: number | undefined;
  /** What they are, where that can be seen. */
  readonly kind: ScoreKind | undefined;
}

/**
 * The one table of scores among the outputs, of several the one of probabilities; else that whose largest number is the
 * label.
 *
 * @throws {Failure}
 */
function scoresOf(graph: OnnxGraph): Scores {
  const ofType = (...types: string[]): OnnxValue[] =>
    graph.outputs.filter(({ elementType }) => types.includes(tensorTypeOf(elementType) ?? ''));
  const tables = ofType('float16', 'float', 'double').map(({ name, dims }) => ({
    name,
    width: dims?.[1],
    kind: kindOf(graph, name),
  }));
  const [label] = ofType('int32', 'int64', 'string');
  const maker = label && makerOf(graph, label.name);
  if (tables.length === 0 && maker?.op === 'ArgMax') {
    const [name = ''] = maker.inputs;
    return { name, width: undefined, kind: kindOf(graph, name) };
  }
  const [first, ...others] =
    tables.length > 1 ? tables.filter(({ kind }) => kind === 'probabilities') : tables;
  if (!first || others.length > 0)
    throw new Failure(
      `--classes needs one table of scores, and it has ${tables.length} among its outputs: export it with one`,
    );
  // Scores beside a label are probabilities.
  return { ...first, kind: first.kind ?? (label && 'probabilities') };
}

/** LabelEncoder has lists of keys and values since this version of its operator set. */
const LABEL_ENCODER_SINCE = 2;

/** The outputs of a classifier that names its classes, in a file that may use LabelEncoder. */
function classifierOf({ graph, opsets }: OnnxModel): Signature['outputs'] | undefined {
  if ((opsets.get('ai.onnx.ml') ?? 0) < LABEL_ENCODER_SINCE) return undefined;
  try {
    const { task, outputs } = inferOutputs(graph);
    return task === 'classification' ? outputs : undefined;
  } catch (error) {
    if (error instanceof OnnxRefused) return undefined;
    throw error;
  }
}

/**
 * Makes a model with classes of a network that gives scores, or gives those of a classifier other names.
 *
 * @param columnsOf an output, as a run gave them
 * @param scores what its scores are, if that can't be seen
 * @throws {Failure} when it can't be known which scores, or what they are
 */
export function withClasses(
  onnx: Uint8Array,
  model: OnnxModel,
  columnsOf: (output: string) => number | undefined,
  names: readonly string[],
  scores: ScoreKind | undefined,
): Classified {
  const { graph } = model;
  const { label, classes, probabilities } = classifierOf(model) ?? {};
  if (label !== undefined && classes && probabilities !== undefined && !scores)
    return renamed(withoutZipMap(onnx), graph, { label, classes, probabilities }, names);
  const found = scoresOf(graph);
  // Of a table that is no output, opening the model checks it.
  const width = columnsOf(found.name) ?? found.width ?? names.length;
  const kind = scores ?? found.kind;
  if (!kind)
    throw new Failure(
      "it can't be seen whether its scores are probabilities or logits: say so by --scores probabilities or --scores logits",
    );
  const made = appendLabel(withoutZipMap(onnx), found.name, width, kind, classesFrom(names));
  const what = scores ? `its scores are ${kind}` : `its scores look like ${kind} (--scores says otherwise)`;
  const appended =
    kind === 'probabilities' ? 'the label was' : `${width > 1 ? 'Softmax' : 'Sigmoid'} and the label were`;
  return { ...made, note: `${what}: ${appended} appended to the graph` };
}
