/**
 * The contract between a server process and a thread. Messages are structured clones, which lose classes and the
 * properties of errors: so a fault is a plain value too.
 */

import type { LinearExplanation } from './explanation/linear.ts';
import type { PackedExplanation } from './explanation/packExplanation.ts';
import type { SamplingPlan } from './explanation/sampling.ts';
import type { Space } from './explanation/space.ts';
import type { CompiledForest } from './forest/compileForest.ts';

/** Rows that one run takes at most, but on a small forest: the shared buffers are sized for at least as many. */
export const MAX_BATCH_ROWS = 256;

/** In a matrix of cells: the cell's text is sent beside the matrix. */
export const TEXT_CELL = -1;

/** A string cell that is none of its column's categories. */
export interface TextCell {
  readonly row: number;
  /** Index of the column in the signature. */
  readonly column: number;
  readonly text: string;
}

/** A column of the signature as the thread needs it: how a cell becomes an element of a tensor. */
export interface ColumnFeed {
  /** Name of the ONNX input that the column feeds. Several columns of one input fill it in their order. */
  readonly onnx: string;
  readonly type: 'string' | 'number' | 'integer' | 'boolean';
  readonly nullable: boolean;
  /** A string cell's code is an index into these; the text for null is the last, if the column is nullable. */
  readonly categories: readonly string[];
}

/** A class, as the training side has it. */
export type Label = string | number | boolean;

/** A class as a graph's label output spells it: a boolean is 0 or 1. */
export const graphLabel = (label: Label): string =>
  String(typeof label === 'boolean' ? Number(label) : label);

/** Where the answers are among the outputs of the graph. */
export type OutputFeed =
  | {
      readonly task: 'classification';
      readonly label: string;
      readonly probabilities: string;
      readonly classes: readonly Label[];
      /** Numbers among the classes are floats on the training side. */
      readonly floatClasses?: boolean;
    }
  | { readonly task: 'regression'; readonly value: string }
  | SeveralFeed;

/** One of several values of a row's answer. Several of one ONNX output take its columns in their order. */
export interface OutputColumn {
  readonly name: string;
  readonly onnx: string;
  /** Of a label: its classes. */
  readonly classes?: readonly Label[];
  /** Numbers among the classes are floats on the training side. */
  readonly floatClasses?: boolean;
  /** A whole number. */
  readonly integer?: boolean;
}

/** Numbers that an answer has beside its values. */
export interface ScoresFeed {
  readonly name: 'probabilities' | 'score' | 'distances';
  readonly onnx: string;
  readonly width: number;
}

/** Answers of another form than one label with probabilities, or one value. */
export interface SeveralFeed {
  readonly task: 'several';
  readonly values: readonly OutputColumn[];
  /** What a prediction is: the one value, a list of values, or a vector, whose values have no meaning of their own. */
  readonly form: 'single' | 'list' | 'vector';
  readonly scores?: ScoresFeed;
}

/** Rows as a thread takes them: [rows, width], and the texts beside the matrix. */
export interface Rows {
  readonly rows: number;
  readonly cells: Matrix;
  readonly texts: readonly TextCell[];
}

/** Cells of the signature's columns are Float64, features of a lifted model Float32. */
export type Matrix = Float64Array | Float32Array;

/** The graph of the model's file: columns in, answers out. Matrix: Float64 [rows, columns]. */
export interface WholeGraph {
  readonly path: string;
  /** Digest of the file; undefined where it isn't known. */
  readonly sha256: string | undefined;
  /** The file's content, if it was read, digested and checked already. */
  readonly bytes?: Uint8Array;
  readonly columns: readonly ColumnFeed[];
}

/** What remains of a model whose encoders run in the server process. Matrix: Float32 [rows, features]. */
export interface FastPath {
  readonly features: number;
  readonly rest:
    | { readonly kind: 'forest'; readonly forest: CompiledForest }
    | { readonly kind: 'graph'; readonly bytes: Uint8Array; readonly input: string };
}

/** Whether rows share a run of ONNX Runtime, or each has its own. */
export type Batching = 'batch' | 'row';

/** How a version's rows are run, and for `row` the reason. */
export interface Batched {
  readonly batching: Batching;
  readonly batchingReason?: string;
}

/** Opens a model version and verifies it: see worker/openModel.ts. */
export interface OpenTask {
  readonly kind: 'open';
  /** Its key. Opening another model under it replaces the first. */
  readonly model: string;
  /** The thread only verifies: others, which answer requests, come first from now on. */
  readonly background?: boolean;
  readonly output: OutputFeed;
  /** At least one of the two. With both, the fast path is taken if it answers `probes` as the whole graph does. */
  readonly whole: WholeGraph | undefined;
  readonly fast: FastPath | undefined;
  /** Rows that are scored to verify each path, in its encoding; the golden ones first. */
  readonly probes: { readonly whole: Rows | undefined; readonly fast: Rows | undefined };
  /** Rows of different sizes, for the whole graph: does a row's answer depend on the others of its batch? */
  readonly mixed?: Rows | undefined;
  /** How rows are run: found by another thread (`decided`), or demanded by the signature. */
  readonly batched?: { readonly how: Batched; readonly decided: boolean } | undefined;
  /** [golden rows, answerWidth]: the training side's answers. */
  readonly golden: Float64Array;
  /** The matrix of each path, [rows, width]. */
  readonly cells: {
    readonly whole: SharedArrayBuffer | undefined;
    readonly fast: SharedArrayBuffer | undefined;
  };
  /** Float64 answers [rows, answerWidth], row by row: see `answerWidth`. `rows` is the most that a run has. */
  readonly answers: SharedArrayBuffer;
}

/** Scores the first `rows` rows of the shared cells into the shared answers. */
export interface RunTask {
  readonly kind: 'run';
  readonly model: string;
  readonly rows: number;
  readonly texts: readonly TextCell[];
  /** Time for which the rows of a failed run are tried in smaller runs. */
  readonly retryMs: number;
}

/** A model that is explained by its answers alone, on the path in force. */
export interface SampledExplanation extends Omit<Space, 'scale'> {
  readonly kind: 'sampled';
  readonly plan: SamplingPlan;
  readonly columns: number;
  readonly background: Rows;
  /** The column that each cell of the matrix is made of. */
  readonly columnOf: Uint32Array;
  /** Where the explained outputs begin in a row of answers. */
  readonly firstAnswer: number;
}

/** What a thread needs to explain a model's rows. */
export type PreparedExplanation = PackedExplanation | LinearExplanation | SampledExplanation;

/** Explains rows. */
export interface ExplainTask extends Rows {
  readonly kind: 'explain';
  readonly model: string;
  /** Of a sampled explanation: the parts to compute, counted from the first row's first. */
  readonly parts?: { readonly from: number; readonly count: number };
  /** Unless the thread has it already. */
  readonly explanation?: PreparedExplanation;
}

/** Closes a model. It isn't being scored: a thread does one task at a time. */
export interface CloseTask {
  readonly kind: 'close';
  readonly model: string;
}

export type Task = OpenTask | RunTask | ExplainTask | CloseTask;

export type FaultCode =
  | 'model_unreadable'
  | 'checksum_mismatch'
  | 'signature_mismatch'
  | 'golden_mismatch'
  | 'unstable'
  | 'model_not_open'
  | 'run_failed';

export interface Fault {
  readonly ok: false;
  readonly code: FaultCode;
  /** One line for the log. Never sent to a client. */
  readonly detail: string;
}

export interface Done {
  readonly ok: true;
  /** Time that the thread spent on the task. */
  readonly seconds: number;
  /** Of an `open` with both paths: why the fast one was not taken. */
  readonly refusal?: string;
  /** Of an `open`: how rows are run on the path in force. */
  readonly batched?: Batched;
  /** Of a `run`: rows that the model can't answer because of their values; the others are answered. */
  readonly failed?: readonly number[];
  /** Of an `explain`: [rows, outputs, columns]; of a sampled explanation [parts, coalitions, outputs]. */
  readonly contributions?: Float64Array;
  /** Of a sampled explanation: the mean answer to the background rows. */
  readonly base?: Float64Array;
}

export type Reply = Done | Fault;

/**
 * Numbers in a row of answers. Classification: the index of the label in `classes`, then a probability for each
 * class. Regression: the value. Several: each value, a label as its index, then the scores.
 */
export function answerWidth(output: OutputFeed): number {
  switch (output.task) {
    case 'classification':
      return 1 + output.classes.length;
    case 'regression':
      return 1;
    case 'several':
      return output.values.length + (output.scores?.width ?? 0);
  }
}

/** Names of the outputs that have to be fetched. */
export function fetchedOutputs(output: OutputFeed): string[] {
  switch (output.task) {
    case 'classification':
      return [output.label, output.probabilities];
    case 'regression':
      return [output.value];
    case 'several': {
      const names = [
        ...output.values.map(({ onnx }) => onnx),
        ...(output.scores ? [output.scores.onnx] : []),
      ];
      return [...new Set(names)];
    }
  }
}
