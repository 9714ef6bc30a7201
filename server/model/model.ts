import type { Batched, FastPath, OutputFeed, Rows } from '../../worker/protocol.ts';
import type { Space } from '../../worker/explanation/space.ts';
import type { EXPLANATION_METHODS } from './explanation.ts';
import type { Encoder } from './rows.ts';
import type { Golden, Signature } from './signature.ts';

/** Rows with the answers that the training side gave. */
export interface GoldenRows extends Rows {
  /** [rows, answerWidth]. */
  readonly answers: Float64Array;
  /** As they stand in golden.json; in a server process the first thousand. */
  readonly table: Golden;
}

/** What answers a model's rows, and how it runs them: known once a thread has opened the model. */
export interface Engine extends Partial<Batched> {
  readonly engine: 'forest' | 'onnxruntime';
  /** Lifted: the encoders run in the server process, the rest in the engine. Whole: all in ONNX Runtime. */
  readonly path: 'lifted' | 'whole';
  /** Why it isn't lifted, or isn't a compiled forest. */
  readonly reason?: string;
}

/** How a model's answers are explained, or why they can't be. */
export type Explanation =
  | {
      readonly method: (typeof EXPLANATION_METHODS)[number];
      readonly space: Space['space'];
    }
  | NoExplanation;
export interface NoExplanation {
  /** Completes "This model can't be explained: ". */
  readonly reason: string;
}

/** A faster path to the same answers; a thread verifies it before it is used. */
export interface Fast {
  readonly encoder: Encoder;
  readonly engine: Engine;
  readonly path: FastPath;
  /** By what the file says: the first use checks it. */
  readonly explanation: Explanation;
  /** The same rows for both paths; the golden ones first. */
  readonly probes: { readonly whole: Rows; readonly fast: Rows };
}

/** A model version in a server process: everything but the weights, which only threads open. */
export interface Model {
  readonly name: string;
  readonly version: number;
  /** `<name>/<version>`: in headers and in metrics. */
  readonly id: string;
  /** Identifies the version and its content: the key in threads. */
  readonly key: string;
  /** Path of the ONNX file. */
  readonly path: string;
  readonly signature: Signature;
  /** Rows of requests → matrix, for the path in force. */
  readonly encoder: Encoder;
  readonly output: OutputFeed;
  readonly golden: GoldenRows | undefined;
  /** Rows that a thread scores before the model serves: the golden ones, or else a made-up one. */
  readonly probes: Rows;
  /** Rows of background.json, with which explanations compare. */
  readonly backgroundRows?: number | undefined;
  /** Rows of different sizes, which show whether a row's answer depends on the others of its batch. */
  readonly mixed?: Rows | undefined;
  /** In force. */
  readonly engine: Engine;
  readonly fast?: Fast;
}
