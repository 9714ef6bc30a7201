import { tensorTypeOf } from '../../worker/onnx/elementTypes.ts';
import type { OnnxGraph } from '../../worker/onnx/graph.ts';
import type { OnnxNode } from '../../worker/onnx/node.ts';
import { OnnxRefused, printable } from '../../worker/onnx/onnxRefused.ts';
import type { OnnxValue } from '../../worker/onnx/value.ts';
import type { OutputValue, Signature } from '../model/signature.ts';
import type { Labels } from '../compiler/labelEncoding.ts';
import { classesOf } from './inferClasses.ts';

/** What to do if the file leaves something open. */
export const SAY_SO = 'say so in a model.json (import takes one with --signature)';

type Outputs = Pick<Signature, 'task' | 'outputs'>;

/** What is known beside the file. */
export interface Known {
  /** Columns of an output, as a run gave them: what a file declares is often wrong. */
  readonly width?: (output: string) => number | undefined;
  /** What the model is for, where the file can't say it. */
  readonly task?: Signature['task'];
  /** Names of the values, in their order. */
  readonly names?: readonly string[];
}

/** Operators that pass numbers on. */
const PASSES = new Set(['Cast', 'Flatten', 'Identity', 'Reshape', 'Squeeze', 'Unsqueeze']);
const REGRESSORS = new Set(['TreeEnsembleRegressor', 'LinearRegressor', 'SVMRegressor']);
const ACTIVATIONS = new Set(['Softmax', 'LogSoftmax', 'Sigmoid']);

const makersOf = ({ nodes }: OnnxGraph): ReadonlyMap<string, OnnxNode> =>
  new Map(nodes.flatMap((node) => node.outputs.map((name) => [name, node])));

/** The operator that makes a tensor, behind those that pass it on; undefined for an input. */
export function makerOf(graph: OnnxGraph, tensor: string): OnnxNode | undefined {
  const makers = makersOf(graph);
  let maker = makers.get(tensor);
  while (maker && PASSES.has(maker.op)) maker = makers.get(maker.inputs[0] ?? '');
  return maker;
}

/** Whether a label is the number of the largest score: those scores, or what they are made of. */
function isLargest(graph: OnnxGraph, label: OnnxNode | undefined, score: string): boolean {
  if (label?.op !== 'ArgMax') return false;
  const makers = makersOf(graph);
  const known = new Set([score]);
  // A set takes what is added while it is walked.
  for (const name of known) for (const input of makers.get(name)?.inputs ?? []) known.add(input);
  const compared = label.inputs[0] ?? '';
  return known.has(compared) && makers.has(compared);
}

/** Columns of an output: as a run gave them, else as its operator says, else as declared, else one. */
function widthOf(graph: OnnxGraph, { name, dims }: OnnxValue, { width }: Known): number {
  const maker = makerOf(graph, name);
  const targets = maker && REGRESSORS.has(maker.op) ? ['n_targets', 'targets'] : [];
  const declared = targets
    .map((attribute) => maker?.attributes.get(attribute)?.int())
    .find((n) => n !== undefined);
  return width?.(name) ?? declared ?? (dims && dims.length > 1 ? (dims[1] ?? 1) : 1);
}

/** A name for each column of some outputs. */
function namesOf(
  columns: readonly (readonly [name: string, width: number])[],
  { names }: Known,
): readonly OutputValue[] {
  const own = columns.flatMap(([onnx, width]) =>
    Array.from({ length: width }, (_, at) => ({ name: width === 1 ? onnx : `${onnx}_${at}`, onnx })),
  );
  if (!names) return own;
  if (names.length !== own.length)
    throw new OnnxRefused(`it gives ${own.length} values a row, so --outputs needs as many names`);
  return own.map((value, at) => ({ ...value, name: names[at] as string }));
}

/** Scores without a label. */
function valuesOnly(graph: OnnxGraph, scores: readonly OnnxValue[], known: Known): Outputs {
  const columns = scores.map((score) => [score.name, widthOf(graph, score, known)] as const);
  const [first = ''] = columns.map(([name]) => name);
  const total = columns.reduce((sum, [, width]) => sum + width, 0);
  const { task, names } = known;
  if (task === 'ranking' && total !== 1)
    throw new OnnxRefused(`a ranking has one value a row, and its outputs have ${total} numbers`);
  if (total === 1 && task !== 'transformation' && !(task && names))
    return { task: task === 'ranking' ? task : 'regression', outputs: { value: first } };
  const wide = columns.find(([, width]) => width > 1);
  if (!task && !names && wide) {
    const activated = columns.some(([name]) => ACTIVATIONS.has(makerOf(graph, name)?.op ?? ''));
    if (activated || !graph.nodes.some((node) => REGRESSORS.has(node.op)))
      throw new OnnxRefused(
        `its output "${printable(wide[0])}" has ${wide[1]} numbers a row: say by npm run import what they are, ` +
          '--classes a,b,c if scores of classes, --outputs a,b,c if values, --task transformation if a vector',
      );
  }
  return { task: task ?? 'multioutput-regression', outputs: { values: namesOf(columns, known) } };
}

/** The classes of each of several labels, where they are put side by side. */
function classesOfEach(graph: OnnxGraph, { name, elementType }: OnnxValue, count: number): readonly Labels[] {
  const kind = tensorTypeOf(elementType) === 'string' ? 'string' : 'number';
  const maker = makerOf(graph, name);
  const parts = maker?.op === 'Concat' && maker.inputs.length === count ? maker.inputs : [];
  const found = parts.flatMap((part) => {
    const classes = classesOf(graph, part);
    return classes?.every((one) => typeof one === kind) ? [classes] : [];
  });
  return found.length === count ? found : [];
}

/** Several labels a row, with a probability each or without. */
function severalLabels(
  graph: OnnxGraph,
  label: OnnxValue,
  score: OnnxValue | undefined,
  known: Known,
): Outputs {
  const count = widthOf(graph, label, known);
  const classes = classesOfEach(graph, label, count);
  if (classes.length === 0 && tensorTypeOf(label.elementType) === 'string')
    throw new OnnxRefused(`it doesn't say which classes its labels choose from; ${SAY_SO}`);
  const values = namesOf([[label.name, count]], known).map((value, at) => ({
    ...value,
    ...(classes[at] ? { classes: classes[at] } : { type: 'integer' as const }),
  }));
  const isTable = score && widthOf(graph, score, known) === count && (score.dims?.length ?? 2) < 3;
  return {
    task: 'multilabel-classification',
    outputs: { values, ...(isTable && { probabilities: score.name }) },
  };
}

/** A label, with scores. */
function labelled(graph: OnnxGraph, label: OnnxValue, score: OnnxValue, known: Known): Outputs {
  const isText = tensorTypeOf(label.elementType) === 'string';
  const width = widthOf(graph, score, known);
  const numbered = Array.from({ length: width }, (_, at) => at);
  const maker = makerOf(graph, label.name);
  if (maker?.op === 'ArgMin')
    return { task: 'clustering', outputs: { label: label.name, classes: numbered, distances: score.name } };
  const found = classesOf(graph, label.name);
  if (!found && !isText && width === 1)
    return { task: 'outlier-detection', outputs: { label: label.name, classes: [-1, 1], score: score.name } };
  const classes = found ?? (!isText && isLargest(graph, maker, score.name) ? numbered : undefined);
  // The type of the output decides: the graph may convert labels on the way.
  const kind = isText ? 'string' : 'number';
  if (!classes?.length || classes.some((name) => typeof name !== kind))
    throw new OnnxRefused(`it doesn't say which classes its label chooses from; ${SAY_SO}`);
  return {
    task: 'classification',
    outputs: { label: label.name, probabilities: score.name, classes: [...classes] },
  };
}

/**
 * A label is an integer or a text, a score a float; other outputs are ignored. An integer alone may be a value.
 *
 * @throws {OnnxRefused} when the file and what is known beside it leave open what it gives
 */
export function inferOutputs(graph: OnnxGraph, known: Known = {}): Outputs {
  const ofType = (...types: string[]): OnnxValue[] =>
    graph.outputs.filter(({ elementType }) => types.includes(tensorTypeOf(elementType) ?? ''));
  const [label, secondLabel] = ofType('int32', 'int64', 'string');
  const scores = ofType('float16', 'float', 'double');
  const [score, secondScore] = scores;
  if (!label && score) return valuesOnly(graph, scores, known);
  if (label && !secondLabel && !secondScore && widthOf(graph, label, known) > 1)
    return severalLabels(graph, label, score, known);
  if (!score && label && !secondLabel && tensorTypeOf(label.elementType) !== 'string') {
    if (makerOf(graph, label.name)?.op === 'ArgMax')
      throw new OnnxRefused(
        `its output "${printable(label.name)}" is the number of a class: name them by npm run import --classes a,b,c`,
      );
    if (classesOf(graph, label.name) === undefined)
      return { task: 'regression', outputs: { value: label.name } };
  }
  if (!label || !score || secondLabel || secondScore)
    throw new OnnxRefused(`its outputs are neither a label with probabilities nor values; ${SAY_SO}`);
  return labelled(graph, label, score, known);
}
