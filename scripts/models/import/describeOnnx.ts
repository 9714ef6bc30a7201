import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { inferOutputs } from '../../../server/loading/inferOutputs.ts';
import { inferInputs } from '../../../server/loading/inferSignature.ts';
import { withMlflowColumns } from '../../../server/loading/mlflowModel.ts';
import { readSignature } from '../../../server/loading/modelJson.ts';
import type { Input, Signature } from '../../../server/model/signature.ts';
import type { OnnxGraph } from '../../../worker/onnx/graph.ts';
import { readModel } from '../../../worker/onnx/model.ts';
import { Failure } from '../../cli/faults.ts';
import type { FileRows } from '../readRows.ts';
import { readColumns, readRows } from '../readRows.ts';
import type { ScoreKind } from './appendLabel.ts';
import { appendProbabilities } from './appendProbabilities.ts';
import { learn, makeRows } from './columns.ts';
import { matchColumns } from './matchColumns.ts';
import type { Observed } from './observe.ts';
import { observe, widthOf } from './observe.ts';
import { withClasses } from './withClasses.ts';

/** Tasks that a file of values may have. */
export const SAYABLE = [
  'ranking',
  'multioutput-regression',
  'quantile-regression',
  'transformation',
] as const;

/** What the caller says about a file that doesn't say it. */
export interface OnnxOptions {
  /** A file of rows. */
  readonly rows?: string;
  /** Its column of true answers, which is none of the model's. */
  readonly target?: string;
  /** The columns of the rows in the order of the matrix. */
  readonly columns?: readonly string[];
  /** A model.json to take in place of all else. */
  readonly signature?: string;
  /** The file MLmodel of the folder that the ONNX file is from. */
  readonly mlmodel?: string;
  /** The classes of a network without a label, in the order of its scores. */
  readonly classes?: readonly string[];
  /** What its scores are, if that can't be seen. */
  readonly scores?: ScoreKind;
  /** What the model is for, where the file can't say it. */
  readonly task?: (typeof SAYABLE)[number];
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

/** The names of the columns of the rows, the target left out. @throws {Failure} */
async function givenColumns({ rows, target, columns }: OnnxOptions): Promise<readonly string[] | undefined> {
  const found = rows === undefined ? undefined : await readColumns(rows);
  const lacking = [...(target === undefined ? [] : [target]), ...(columns ?? [])].find(
    (name) => found?.includes(name) === false,
  );
  if (lacking !== undefined) throw new Failure(`${rows ?? ''} has no column ${JSON.stringify(lacking)}`);
  return columns ?? found?.filter((name) => name !== target);
}

interface Columns {
  readonly inputs: readonly Input[];
  readonly rows: FileRows;
  readonly notes: readonly string[];
}

/** The columns that the file takes, by the names of the rows or of MLflow's signature, and what the rows teach about them. */
async function columnsOf(graph: OnnxGraph, options: OnnxOptions): Promise<Columns> {
  const columns = await givenColumns(options);
  let inputs: readonly Input[] = inferInputs(graph, columns?.length);
  if (options.mlmodel !== undefined)
    inputs = withMlflowColumns({ inputs }, (await readFileOf(options.mlmodel)).toString('utf8')).inputs;
  const { inputs: named, note } = columns ? matchColumns(inputs, columns) : { inputs };
  const notes = note === undefined ? [] : [note];
  if (options.rows === undefined) return { inputs: named, rows: makeRows({ inputs: named }), notes };
  const rows = await readRows(options.rows, { inputs: named });
  return { inputs: learn(named, rows), rows, notes };
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
  const model = readModel(onnx);
  const { graph } = model;
  const { inputs, rows, notes } = await columnsOf(graph, options);
  const observed = await observe(onnx, inputs, rows);
  const width = (output: string): number | undefined => widthOf(observed, output, rows.data.length);
  const { task, outputs: names, classes, scores } = options;
  if (classes) {
    const made = withClasses(onnx, model, width, classes, scores);
    const signature = { task: 'classification', inputs, outputs: made.outputs } as const;
    const sha256 = sha256Of(made.onnx);
    return { onnx: made.onnx, signature: { ...signature, sha256 }, rows, notes: [...notes, made.note] };
  }
  if (scores !== undefined) throw new Failure('--scores needs --classes');
  const found = inferOutputs(graph, { width, ...(task && { task }), ...(names && { names }) });
  if (task && found.task !== task)
    throw new Failure(`it can't be a ${task}: its outputs are those of a ${found.task}`);
  const more = await withProbabilities(onnx, graph, found, observed, { inputs, rows });
  return { ...more, signature: { ...more.signature, inputs, sha256: sha256Of(more.onnx) }, rows, notes };
}
