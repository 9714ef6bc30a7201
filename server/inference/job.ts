import { answerWidth } from '../../worker/protocol.ts';
import type { EncodedRows } from '../model/rows.ts';
import type { Problem } from '../errors/problem.ts';
import type { PredictOptions, Scores } from './port.ts';
import type { Model } from '../model/model.ts';
import type { Linked } from './linkedList.ts';

/** One request in the queue, from its admission until it is settled. Times are milliseconds of performance.now(). */
export interface Job {
  readonly model: Model;
  readonly rows: EncodedRows;
  readonly requestId: string;
  /** [rows, answerWidth], filled as batches come back. */
  readonly answers: Float64Array;
  /** When its deadline began: before `queued`, if the request waited to be decoded. */
  readonly arrived: number;
  readonly isLarge: boolean;
  /** The server's own question: see PredictOptions. */
  readonly uncounted: boolean;
  readonly queued: number;
  /** When its first row went to a thread; NaN before. */
  started: number;
  /** Rows that went to a thread so far, in order. */
  sent: number;
  /** Texts that went to a thread so far. */
  sentTexts: number;
  answered: number;
  /** Rows that the model fails on, if any. */
  failed: number[] | undefined;
  /** Such rows are left out; else the first batch that has one ends the job. */
  readonly skipBadRows: boolean;
  /** Counts its restarts: a thread's answers to an earlier attempt are dropped. */
  attempt: number;
  /** It shared a batch that failed. It now runs alone: that finds the faulty request, and no other one fails. */
  alone: boolean;
  settled: boolean;
  readonly waiting: Linked<Job>;
  readonly pending: Linked<Job>;
  /** Removes the listener from the caller's signal, which may outlive the job. */
  readonly release: () => void;
  readonly resolve: (scores: Scores) => void;
  readonly reject: (problem: Problem) => void;
}

/** A job that enters the queue now. */
export function createJob(
  model: Model,
  rows: EncodedRows,
  settling: Pick<Job, 'release' | 'resolve' | 'reject'>,
  {
    requestId,
    waitedMs = 0,
    isLarge = false,
    uncounted = false,
    skipBadRows = false,
  }: Omit<PredictOptions, 'signal'>,
): Job {
  const now = performance.now();
  return {
    model,
    rows,
    requestId,
    answers: new Float64Array(rows.rows * answerWidth(model.output)),
    arrived: now - waitedMs,
    isLarge,
    uncounted,
    queued: now,
    started: NaN,
    sent: 0,
    sentTexts: 0,
    answered: 0,
    failed: undefined,
    skipBadRows,
    attempt: 0,
    alone: false,
    settled: false,
    waiting: { previous: undefined, next: undefined },
    pending: { previous: undefined, next: undefined },
    ...settling,
  };
}

/** Makes all rows of a job unsent again, to run alone. */
export function restart(job: Job): void {
  job.sent = job.sentTexts = job.answered = 0;
  job.failed = undefined;
  job.attempt++;
  job.alone = true;
}

/** What a job that needs no more answers resolves with. */
export function scoresOf({ answers, failed, started, arrived }: Job, now: number): Scores {
  const queueSeconds = (started - arrived) / 1000;
  const runSeconds = (now - started) / 1000;
  if (failed === undefined) return { answers, queueSeconds, runSeconds };
  // Batches may come back in another order.
  return { answers, failed: failed.toSorted((a, b) => a - b), queueSeconds, runSeconds };
}
