import type { EncodedRows } from '../model/rows.ts';
import type { Model } from '../model/model.ts';

/** The answers to one request, and where its time went. */
export interface Scores {
  /** [rows, answerWidth], row by row: see worker/protocol.ts. */
  readonly answers: Float64Array;
  /** From arrival until the first row went to a thread. */
  readonly queueSeconds: number;
  /** From there until the last row was answered. */
  readonly runSeconds: number;
}

export interface PredictOptions {
  /** Appears in the log if the process dies while a thread works on the request. */
  readonly requestId: string;
  /** What it has waited until it was decoded, in milliseconds: its deadline and its time in the queue count that. */
  readonly waitedMs?: number;
  /** It was let in as there was room for it: its rows count for `isFull`. */
  readonly isLarge?: boolean;
  /** Aborted when the caller is gone: what still waits leaves the queue. */
  readonly signal?: AbortSignal;
}

/** The port between HTTP and inference. */
export interface Inference {
  /**
   * A promise only if the rows had to wait: what is answered at once costs no turn of the event loop.
   *
   * @throws {Problem} overloaded, draining, deadline_exceeded or internal_error, now or by the promise
   */
  predict(model: Model, rows: EncodedRows, options: PredictOptions): Promise<Scores> | Scores;
  /** Rows that wait for a thread. */
  readonly queuedRows: number;
  /** The threads have enough of large requests for a while: one more that is decoded now would only wait. */
  readonly isFull: boolean;
  /** The listener is called whenever that may have ended. */
  onRoom(listener: () => void): void;
  /** What waits here comes to its turn too late: a request that would have to wait is better refused unread. */
  readonly late: boolean;
  /** Takes no more requests, answers those that it has, then ends the threads. */
  close(): Promise<void>;
}
