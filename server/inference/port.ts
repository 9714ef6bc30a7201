import type { EncodedRows } from '../model/rows.ts';
import type { Model } from '../model/model.ts';
import type { Backlog } from '../overload/largeBacklog.ts';

/** The answers to one request, and where its time went. */
export interface Scores {
  /** [rows, answerWidth], row by row: see worker/protocol.ts. */
  readonly answers: Float64Array;
  /**
   * Rows that the model can't answer because of their values, in order: those of the first batch that has one or, with
   * `skipBadRows`, all. Only where there are any.
   */
  readonly failed?: readonly number[];
  /** From arrival until the first row went to a thread. */
  readonly queueSeconds: number;
  /** From there until the last row was answered. */
  readonly runSeconds: number;
}

export interface PredictOptions {
  /** Appears in the log if the process dies while a thread works on the request. */
  readonly requestId: string;
  /** Milliseconds that it waited to be decoded: they count against its deadline, and as time in the queue. */
  readonly waitedMs?: number;
  /** Its rows count for the backlog, which holds large bodies back. */
  readonly isLarge?: boolean;
  /** Aborted when the caller disconnects: the rows that still wait leave the queue. */
  readonly signal?: AbortSignal;
  /** Rows that the model fails on are left out: the others are answered all the same. */
  readonly skipBadRows?: boolean;
  /** The server's own question: absent from metrics, logs and notes, and batched by itself. */
  readonly uncounted?: boolean;
}

/** The port between HTTP and inference. */
export interface Inference {
  /**
   * A promise only if the rows had to wait: an answer at once costs no turn of the event loop.
   *
   * @throws {Problem} overloaded, draining, deadline_exceeded or internal_error, now or by the promise
   */
  predict(model: Model, rows: EncodedRows, options: PredictOptions): Promise<Scores> | Scores;
  /** Rows that wait for a thread. */
  readonly queuedRows: number;
  /** The queued rows of large requests. */
  readonly backlog: Backlog;
  /** Queued requests already start late: new ones are better refused before they are read. */
  readonly late: boolean;
  /** Accepts no more requests, answers the queued ones, then ends the threads. */
  close(): Promise<void>;
}
