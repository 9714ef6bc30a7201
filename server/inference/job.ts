import { answerWidth } from '../../worker/protocol.ts';
import type { EncodedRows } from '../model/rows.ts';
import type { Problem } from '../errors/problem.ts';
import type { PredictOptions, Scores } from './port.ts';
import type { Model } from '../model/model.ts';
import type { Linked } from './linkedList.ts';

/** One request on its way through the queue, from admission until it is settled. */
export interface Job {
  readonly model: Model;
  readonly rows: EncodedRows;
  readonly requestId: string;
  /** [rows, answerWidth], filled as batches come back. */
  readonly answers: Float64Array;
  /** So long before the end of its deadline that what it waited for its turn to be decoded counts. */
  readonly arrived: number;
  readonly isLarge: boolean;
  /** When it came into the queue. */
  readonly queued: number;
  /** When its first row went to a thread; NaN before. Milliseconds of performance.now(), as all times here. */
  started: number;
  /** Rows that went to a thread so far: they go in order. */
  sent: number;
  /** Texts that went to a thread so far. */
  sentTexts: number;
  answered: number;
  /** Counts its starts: what a thread answers to an earlier one is dropped. */
  attempt: number;
  /** It once shared a batch that failed: it runs alone, so that the faulty request is found and no other fails. */
  alone: boolean;
  settled: boolean;
  readonly waiting: Linked<Job>;
  readonly pending: Linked<Job>;
  /** Lets go of the caller's signal, which may outlive the job. */
  readonly release: () => void;
  readonly resolve: (scores: Scores) => void;
  readonly reject: (problem: Problem) => void;
}

/** A job that has just come into the queue. @param waitedMs what it had to wait before */
export function createJob(
  model: Model,
  rows: EncodedRows,
  requestId: string,
  settling: Pick<Job, 'release' | 'resolve' | 'reject'>,
  { waitedMs = 0, isLarge = false }: Pick<PredictOptions, 'waitedMs' | 'isLarge'> = {},
): Job {
  const now = performance.now();
  return {
    model,
    rows,
    requestId,
    answers: new Float64Array(rows.rows * answerWidth(model.output)),
    arrived: now - waitedMs,
    isLarge,
    queued: now,
    started: NaN,
    sent: 0,
    sentTexts: 0,
    answered: 0,
    attempt: 0,
    alone: false,
    settled: false,
    waiting: { previous: undefined, next: undefined },
    pending: { previous: undefined, next: undefined },
    ...settling,
  };
}

/** Sends all rows again, alone. */
export function restart(job: Job): void {
  job.sent = job.sentTexts = job.answered = 0;
  job.attempt++;
  job.alone = true;
}
