import { GRAPH, editGraph } from '../../../worker/onnx/editGraph.ts';
import { FLOAT } from '../../../worker/onnx/elementTypes.ts';
import type { OnnxGraph } from '../../../worker/onnx/graph.ts';
import { makerOf } from '../../../server/loading/inferOutputs.ts';
import { readModel } from '../../../worker/onnx/model.ts';
import { printable } from '../../../worker/onnx/onnxRefused.ts';
import type { NewNode } from '../../../worker/onnx/write.ts';
import { writeNode, writeValue } from '../../../worker/onnx/write.ts';
import type { Signature } from '../../../server/model/signature.ts';
import { Failure } from '../../cli/faults.ts';

/** What a network's scores are: ready, or to be made probabilities by Softmax, or Sigmoid where there is one column. */
export type ScoreKind = 'probabilities' | 'logits';

export const INT64 = 7;
export const STRING = 8;

const KINDS: Readonly<Record<string, ScoreKind>> = {
  Softmax: 'probabilities',
  Sigmoid: 'probabilities',
  LogSoftmax: 'logits',
  Gemm: 'logits',
  MatMul: 'logits',
  Add: 'logits',
};

/** What the scores are, by the operator that makes them. */
export const kindOf = (graph: OnnxGraph, output: string): ScoreKind | undefined =>
  KINDS[makerOf(graph, output)?.op ?? ''];

/** Class names: integers where all are, else texts. */
export function classesFrom(names: readonly string[]): readonly string[] | readonly number[] {
  if (new Set(names).size !== names.length) throw new Failure('--classes has a class twice');
  const numbers = names.map(Number);
  return names.every((name, at) => Number.isSafeInteger(numbers[at]) && String(numbers[at]) === name)
    ? numbers
    : names;
}

/** Makes names that no tensor of the graph has. */
export function namer({ nodes, constants, inputs }: OnnxGraph): (name: string) => string {
  const taken = new Set([
    ...constants.keys(),
    ...inputs.map(({ name }) => name),
    ...nodes.flatMap((node) => node.outputs),
  ]);
  return (wanted) => {
    let name = wanted;
    while (taken.has(name)) name += '_';
    taken.add(name);
    return name;
  };
}

export interface Labelled {
  readonly onnx: Uint8Array;
  readonly outputs: Signature['outputs'];
}

/**
 * Appends what a network without a label lacks: the probabilities of its classes, and the label with the largest one.
 *
 * @param output the scores, [rows, width]
 * @param classes in the order of the columns; two for one column, which is the second's
 */
export function appendLabel(
  onnx: Uint8Array,
  output: string,
  width: number,
  kind: ScoreKind,
  classes: readonly string[] | readonly number[],
): Labelled {
  const wanted = width === 1 ? 2 : width;
  if (classes.length !== wanted) {
    throw new Failure(
      `its output ${JSON.stringify(printable(output))} has ${width} ${width === 1 ? 'column' : 'columns'}, so --classes needs ${wanted} names; found ${classes.length}`,
    );
  }
  const { graph } = readModel(onnx);
  const name = namer(graph);
  const nodes: NewNode[] = [];
  const add = (op: string, inputs: readonly string[], as: string, attributes = {}): string => {
    const made = name(as);
    nodes.push({ op, inputs, outputs: [made], attributes });
    return made;
  };
  const constant = (as: string, value: object): string => add('Constant', [], as, { value });

  const scores = add('Cast', [output], 'scores_float', { to: FLOAT });
  let probabilities: string;
  if (width > 1) {
    probabilities =
      kind === 'logits'
        ? add('Softmax', [scores], 'probabilities', { axis: 1 })
        : add('Identity', [scores], 'probabilities');
  } else {
    const second = kind === 'logits' ? add('Sigmoid', [scores], 'second') : scores;
    const shape = constant('column', { element: 'int64', dims: [2], values: [-1, 1] });
    const column = add('Reshape', [second, shape], 'second_column');
    const one = constant('one', { element: 'float', dims: [1], values: [1] });
    const first = add('Sub', [one, column], 'first_column');
    probabilities = add('Concat', [first, column], 'probabilities', { axis: 1 });
  }
  const isText = typeof classes[0] === 'string';
  const index = add('ArgMax', [probabilities], 'class_index', { axis: 1, keepdims: 0 });
  const names = constant('class_names', {
    element: isText ? 'string' : 'int64',
    dims: [classes.length],
    values: classes,
  });
  const label = add('Gather', [names, index], 'label', { axis: 0 });
  return {
    onnx: editGraph(onnx, {}, [
      ...nodes.map((node) => [GRAPH.node, writeNode(node)] as const),
      [GRAPH.output, writeValue(label, isText ? STRING : INT64, ['N'])],
      [GRAPH.output, writeValue(probabilities, FLOAT, ['N', classes.length])],
    ]),
    outputs: { label, probabilities, classes: [...classes] },
  };
}
