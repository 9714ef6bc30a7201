/**
 * The whole contract between a server process and a thread. Only plain values cross the border: a class, a
 * status or a code on an Error does not survive it, so a fault is a value too.
 */

/** Rows that one run takes at most; the shared buffers are sized for it. */
export const MAX_BATCH_ROWS = 256;

/** In a matrix of cells: the text of this cell travels beside the matrix. */
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
  /** Name of the ONNX input that the column feeds. Columns of one input stand in it side by side, in order. */
  readonly onnx: string;
  readonly type: 'string' | 'number' | 'integer' | 'boolean';
  readonly nullable: boolean;
  /** What a string cell's code stands for. */
  readonly categories: readonly string[];
}

/** Where the answers are among the outputs of the graph. */
export type OutputFeed =
  | {
      readonly task: 'classification';
      readonly label: string;
      readonly probabilities: string;
      readonly classes: readonly (string | number)[];
    }
  | { readonly task: 'regression'; readonly value: string };

/**
 * Rows with the answers that the training side gave.
 * `cells` is [rows, columns], `answers` is [rows, answerWidth].
 */
export interface GoldenRows {
  readonly rows: number;
  readonly cells: Float64Array;
  readonly texts: readonly TextCell[];
  readonly answers: Float64Array;
}

/** Opens a model version: reads and checks the file, warms the session, scores the golden rows. */
export interface OpenTask {
  readonly kind: 'open';
  /** `<name>/<version>`. */
  readonly model: string;
  readonly path: string;
  readonly sha256: string | undefined;
  readonly columns: readonly ColumnFeed[];
  readonly output: OutputFeed;
  readonly golden: GoldenRows | undefined;
  /** Float64 cells [MAX_BATCH_ROWS, columns], row by row: a number, NaN for a missing one, a category's code. */
  readonly cells: SharedArrayBuffer;
  /** Float64 answers [MAX_BATCH_ROWS, answerWidth], row by row: see `answerWidth`. */
  readonly answers: SharedArrayBuffer;
}

/** Scores the first `rows` rows of the shared cells into the shared answers. */
export interface RunTask {
  readonly kind: 'run';
  readonly model: string;
  readonly rows: number;
  readonly texts: readonly TextCell[];
}

export type Task = OpenTask | RunTask;

export type FaultCode =
  | 'model_unreadable'
  | 'checksum_mismatch'
  | 'signature_mismatch'
  | 'golden_mismatch'
  | 'model_not_open'
  | 'run_failed';

export interface Fault {
  readonly ok: false;
  readonly code: FaultCode;
  /** One line for the log. Never sent to a client. */
  readonly detail: string;
}

/** `seconds` is the time that the thread spent on the task. */
export type Reply = { readonly ok: true; readonly seconds: number } | Fault;

/**
 * Numbers in a row of answers. Classification: the index of the label in `classes`, then a probability for each
 * class. Regression: the value.
 */
export function answerWidth(output: OutputFeed): number {
  return output.task === 'classification' ? 1 + output.classes.length : 1;
}
