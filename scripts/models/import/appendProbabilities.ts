import type { OutputValue, Signature } from '../../../server/model/signature.ts';
import { GRAPH, editGraph } from '../../../worker/onnx/editGraph.ts';
import { FLOAT, tensorTypeOf } from '../../../worker/onnx/elementTypes.ts';
import type { OnnxGraph } from '../../../worker/onnx/graph.ts';
import type { NewNode } from '../../../worker/onnx/write.ts';
import { writeNode, writeValue } from '../../../worker/onnx/write.ts';
import { namer } from './appendLabel.ts';
import type { Observed } from './observe.ts';

type Outputs = Pick<Signature, 'task' | 'outputs'>;

/** Classes of each label: what is answered is the probability of the second. */
const CLASSES = 2;

/** The one output that isn't a tensor: a list of tables, [rows, classes] for each label. */
const listOf = ({ outputs }: OnnxGraph): string | undefined => {
  const lists = outputs.filter(({ elementType }) => tensorTypeOf(elementType) === undefined);
  return lists.length === 1 ? lists[0]?.name : undefined;
};

/** The one output of the shape [labels, rows, classes]. */
const cubeOf = (observed: Observed | undefined, labels: number, rows: number): string | undefined => {
  const shape = [labels, rows, CLASSES].join();
  const cubes = [...(observed ?? [])].filter(([, { dims = [] }]) => dims.join() === shape);
  return cubes.length === 1 ? cubes[0]?.[0] : undefined;
};

/**
 * Appends the table [rows, labels] of probabilities to a model of several labels that gives them in another form, as
 * scikit-learn's converters do; undefined where there is none.
 */
export function appendProbabilities(
  onnx: Uint8Array,
  graph: OnnxGraph,
  { task, outputs }: Outputs,
  observed: Observed | undefined,
  rows: number,
): { readonly onnx: Uint8Array; readonly outputs: Signature['outputs'] } | undefined {
  if (task !== 'multilabel-classification' || outputs.probabilities !== undefined) return undefined;
  const values = outputs.values as readonly OutputValue[];
  const cube = cubeOf(observed, values.length, rows);
  const list = cube === undefined ? listOf(graph) : undefined;
  const source = cube ?? list;
  if (source === undefined) return undefined;
  const name = namer(graph);
  const [stacked, index, second, table] = [
    name('stacked_probabilities'),
    name('second_class'),
    name('second_probabilities'),
    name('label_probabilities'),
  ];
  const first: NewNode =
    list === undefined
      ? { op: 'Identity', inputs: [source], outputs: [stacked] }
      : {
          op: 'ConcatFromSequence',
          inputs: [list],
          outputs: [stacked],
          attributes: { axis: 0, new_axis: 1 },
        };
  const value = { element: 'int64', dims: [], values: [CLASSES - 1] } as const;
  const nodes: NewNode[] = [
    first,
    { op: 'Constant', inputs: [], outputs: [index], attributes: { value } },
    { op: 'Gather', inputs: [stacked, index], outputs: [second], attributes: { axis: 2 } },
    { op: 'Transpose', inputs: [second], outputs: [table] },
  ];
  const edited = editGraph(onnx, {}, [
    ...nodes.map((node) => [GRAPH.node, writeNode(node)] as const),
    [GRAPH.output, writeValue(table, FLOAT, ['N', values.length])],
  ]);
  return { onnx: edited, outputs: { ...outputs, probabilities: table } };
}
