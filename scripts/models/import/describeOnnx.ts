import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { inferOutputs } from '../../../server/loading/inferOutputs.ts';
import { inferInputs } from '../../../server/loading/inferSignature.ts';
import { withMlflowColumns } from '../../../server/loading/mlflowModel.ts';
import { readSignature } from '../../../server/loading/modelJson.ts';
import type { Input, Signature } from '../../../server/model/signature.ts';
import { tensorTypeOf } from '../../../worker/onnx/elementTypes.ts';
import type { OnnxGraph } from '../../../worker/onnx/graph.ts';
import { readModel } from '../../../worker/onnx/model.ts';
import { Failure } from '../../cli/faults.ts';
import type { FileRows } from '../readRows.ts';
import { readColumns, readRows } from '../readRows.ts';
import type { ScoreKind } from './appendLabel.ts';
import { appendLabel, classesFrom, kindOf } from './appendLabel.ts';
import { appendProbabilities } from './appendProbabilities.ts';
import { learn, makeRows } from './columns.ts';
import { matchColumns } from './matchColumns.ts';
import type { Observed } from './observe.ts';
import { observe, widthOf } from './observe.ts';

/** What the caller says about a file that doesn't say it. */
export interface OnnxOptions {
  /** A file of rows. */
  readonly rows?: string;
  /** A model.json to take in place of all else. */
  readonly signature?: string;
  /** The file MLmodel of the folder that the ONNX file is from. */
  readonly mlmodel?: string;
  /** Names of the columns in their order, in place of those that the file has. */
  readonly columns?: readonly string[];
  /** The classes of a network without a label, in the order of its scores. */
  readonly classes?: readonly string[];
  /** What its scores are, if that can't be seen. */
  readonly scores?: ScoreKind;
  /** What the model is for, where the file can't say it. */
  readonly task?: Signature['task'];
  /** Names of the values that a row is answered with, in their order. */
  readonly outputs?: readonly string[];
}

export interface Described {
  /** As it was, or with a label appended. */
  readonly onnx: Uint8Array;
  readonly signature: Signature;
  readonly rows: FileRows;
  /** What was assumed: one sentence each. */
  readonly notes: readonly string[];
}

/** @throws {Failure} */
export async function readFileOf(file: string): Promise<Buffer> {
  return readFile(file).catch((error: NodeJS.ErrnoException) => {
    throw new Failure(`${file} cannot be read (${error.code ?? 'unknown error'})`);
  });
}

async function givenSignature(id: string, file: string): Promise<Signature> {
  const text = (await readFileOf(file)).toString('utf8');
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    throw new Failure(`${file} is not valid JSON`);
  }
  return readSignature(id, json);
}

const sha256Of = (onnx: Uint8Array): string => createHash('sha256').update(onnx).digest('hex');

/** The columns that the file takes, by the names that the caller or MLflow's signature gives them. */
async function inferredInputs(
  graph: OnnxGraph,
  { mlmodel, columns }: OnnxOptions,
): Promise<readonly Input[]> {
  const inputs = inferInputs(graph);
  if (columns && columns.length !== inputs.length)
    throw new Failure(`--columns names ${columns.length} columns, and the model takes ${inputs.length}`);
  if (columns) return inputs.map((input, at) => ({ ...input, name: columns[at] as string }));
  if (mlmodel === undefined) return inputs;
  return withMlflowColumns({ inputs }, (await readFileOf(mlmodel)).toString('utf8')).inputs;
}

/** The columns by the names of the rows, with what the rows teach about them. */
async function withRows(
  inferred: readonly Input[],
  file: string,
): Promise<{ readonly inputs: readonly Input[]; readonly rows: FileRows; readonly notes: string[] }> {
  const columns = await readColumns(file);
  const { inputs, note } = columns ? matchColumns(inferred, columns) : { inputs: inferred };
  const rows = await readRows(file, { inputs });
  return { inputs: learn(inputs, rows), rows, notes: note === undefined ? [] : [note] };
}

/** The one table of scores. @throws {Failure} */
function scoresOf({ outputs }: OnnxGraph): OnnxGraph['outputs'][number] {
  const scores = outputs.filter(({ elementType }) =>
    ['float16', 'float', 'double'].includes(tensorTypeOf(elementType) ?? ''),
  );
  const [first] = scores;
  if (!first || scores.length > 1)
    throw new Failure(`--classes needs one table of scores among the outputs, and it has ${scores.length}`);
  return first;
}

/** Appends the probabilities of several labels, where that gives a table of one number for each. */
async function withProbabilities(
  onnx: Uint8Array,
  graph: OnnxGraph,
  found: Pick<Signature, 'task' | 'outputs'>,
  observed: Observed | undefined,
  { inputs, rows }: { readonly inputs: readonly Input[]; readonly rows: FileRows },
): Promise<{ readonly onnx: Uint8Array; readonly signature: Pick<Signature, 'task' | 'outputs'> }> {
  const count = rows.data.length;
  const more = appendProbabilities(onnx, graph, found, observed, count);
  const name = more?.outputs.probabilities ?? '';
  // Of labels with three classes, or with one, there is no such table.
  const again = more && (await observe(more.onnx, inputs, rows));
  if (!more || again?.get(name)?.dims?.join() !== [count, found.outputs.values?.length].join())
    return { onnx, signature: found };
  return { onnx: more.onnx, signature: { ...found, outputs: more.outputs } };
}

/**
 * What an ONNX file serves: by the file, the caller, a run on the rows, in this order.
 *
 * @throws {Failure | OnnxRefused | ModelRefused} when that isn't known
 */
export async function describeOnnx(id: string, onnx: Uint8Array, options: OnnxOptions): Promise<Described> {
  if (options.signature !== undefined) {
    const signature = { ...(await givenSignature(id, options.signature)), sha256: sha256Of(onnx) };
    const rows = options.rows === undefined ? makeRows(signature) : await readRows(options.rows, signature);
    return { onnx, signature, rows, notes: [] };
  }
  const { graph } = readModel(onnx);
  const inferred = await inferredInputs(graph, options);
  const { inputs, rows, notes } =
    options.rows === undefined
      ? { inputs: inferred, rows: makeRows({ inputs: inferred }), notes: [] }
      : await withRows(inferred, options.rows);
  const observed = await observe(onnx, inputs, rows);
  const columnsOf = (output: string): number | undefined => widthOf(observed, output, rows.data.length);
  if (options.classes === undefined) {
    if (options.scores !== undefined) throw new Failure('--scores needs --classes');
    const { task, outputs: names } = options;
    const found = inferOutputs(graph, { width: columnsOf, ...(task && { task }), ...(names && { names }) });
    if (task && found.task !== task)
      throw new Failure(`it can't be a ${task}: its outputs are those of a ${found.task}`);
    const more = await withProbabilities(onnx, graph, found, observed, { inputs, rows });
    return { ...more, signature: { ...more.signature, inputs, sha256: sha256Of(more.onnx) }, rows, notes };
  }
  const { name, dims } = scoresOf(graph);
  const width = columnsOf(name) ?? dims?.[1];
  if (width === undefined) throw new Failure("it can't be seen how many scores it gives: give it --rows");
  const kind = options.scores ?? kindOf(graph, name);
  if (!kind)
    throw new Failure("it can't be seen whether its scores are probabilities or logits: say so by --scores");
  const labelled = appendLabel(onnx, name, width, kind, classesFrom(options.classes));
  const activation = width > 1 ? 'Softmax' : 'Sigmoid';
  const note = `its scores are ${kind}${options.scores ? '' : ' by its last operator (--scores says otherwise)'}: ${kind === 'logits' ? `${activation} and ` : ''}the label was appended to the graph`;
  const signature: Signature = {
    task: 'classification',
    inputs,
    outputs: labelled.outputs,
    sha256: sha256Of(labelled.onnx),
  };
  return { onnx: labelled.onnx, signature, rows, notes: [...notes, note] };
}
