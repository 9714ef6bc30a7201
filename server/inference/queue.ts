import type { Fault } from '../../worker/protocol.ts';
import { Problem } from '../errors/problem.ts';
import type { Model } from '../model/model.ts';
import type { EncodedRows } from '../model/rows.ts';
import type { LargeBacklog } from '../overload/largeBacklog.ts';
import { createLargeBacklog } from '../overload/largeBacklog.ts';
import { patienceOf } from '../overload/patience.ts';
import type { QueueAdmission } from '../overload/queueAdmission.ts';
import { createQueueAdmission } from '../overload/queueAdmission.ts';
import type { Batch } from './batch.ts';
import { deliver, jobsOf, takeBatch } from './batch.ts';
import { createDeadlines } from './deadlines.ts';
import { createGather } from './gather.ts';
import type { Job } from './job.ts';
import { createJob, restart, scoresOf } from './job.ts';
import { createBehind } from './behind.ts';
import type { Background } from './explanations.ts';
import type { Lane } from './lane.ts';
import { createLinkedList } from './linkedList.ts';
import type { Pool } from './pool.ts';
import type { Inference, PredictOptions, Scores } from './port.ts';

/** A batch of fewer rows isn't split over idle threads: the hop costs more than the rows. */
const MIN_SPLIT_ROWS = 32;

/** Rows that wait no longer for more: the thread is busy with them for long enough. */
const ENOUGH_ROWS = 256;
/** Rows of large requests that each thread has queued before the decoding of more of them pauses. */
const ROWS_AHEAD = 16 * ENOUGH_ROWS;

/** Records the work of the queue: see metrics/inference.ts. Requests that are `uncounted` appear nowhere. */
export interface QueueRecorder {
  batch(model: Model, rows: number, seconds: number): void;
  queued(model: Model, seconds: number): void;
  /** The ids of the requests that a thread begins to work on; none when it ends. */
  running(thread: number, requestIds: readonly string[]): void;
  /** A batch failed, and no request's own error reports the cause: its requests run again, or have ended already. */
  fault(model: Model, reply: Fault, requestIds: readonly string[]): void;
}

export interface QueueOptions {
  readonly pool: Pool;
  readonly deadlineMs: number;
  readonly maxQueuedRows: number;
  readonly recorder: QueueRecorder;
  /** Gets the lanes that no prediction waits for. */
  readonly background?: Background | undefined;
}

/** A request here always waits, if only for the end of the turn. */
export interface Queue extends Inference {
  predict(...request: Parameters<Inference['predict']>): Promise<Scores>;
}

/** Rows of the next batch at most, where this many lanes share the queued rows. */
const shareOf = (rows: number, lanes: number): number => Math.max(MIN_SPLIT_ROWS, Math.ceil(rows / lanes));

const causeOf = ({ id }: Model, { code, detail }: Fault): Error => new Error(`${id}: ${code}: ${detail}`);

/** The rows of a batch wait no longer. */
function leaveQueue({ rows: count, chunks }: Batch, admission: QueueAdmission, backlog: LargeBacklog): void {
  const now = performance.now();
  admission.leave(count);
  for (const { job, rows } of chunks) {
    if (job.isLarge) backlog.change(-rows);
    if (!Number.isNaN(job.started)) continue;
    job.started = now;
    admission.began(now - job.queued);
  }
}

/**
 * Natural batching: while a thread is idle, queued rows leave at once; while all are busy, requests pile up and leave
 * together. There is no timer: low load gets no extra latency, and batches are large exactly when the load is high.
 */
export function createQueue(options: QueueOptions): Queue {
  const { pool, deadlineMs, maxQueuedRows, recorder } = options;
  const waiting = createLinkedList<Job>((job) => job.waiting);
  const admission = createQueueAdmission(maxQueuedRows, patienceOf(deadlineMs));
  const backlog = createLargeBacklog(ROWS_AHEAD * pool.lanes.length);
  let unsettled = 0;
  /** Batches in a thread. Their requests may have ended, but a thread that runs a model must not be ended. */
  let runs = 0;
  let closing = false;
  let onEmpty = (): void => {};

  /** Ends a job's life in the queue; the caller then resolves or rejects it. False if it had ended before. */
  const settle = (job: Job): boolean => {
    if (job.settled) return false;
    job.settled = true;
    job.release();
    deadlines.forget(job);
    const unsent = job.rows.rows - job.sent;
    if (unsent > 0) {
      waiting.remove(job);
      admission.leave(unsent);
      if (job.isLarge) backlog.change(-unsent);
    }
    unsettled--;
    if (isEmpty()) onEmpty();
    return true;
  };
  const fail = (job: Job, problem: Problem): void => {
    if (settle(job)) job.reject(problem);
  };
  const deadlines = createDeadlines(deadlineMs, (job) => fail(job, new Problem('deadline_exceeded')));

  const complete = (job: Job, now: number): void => {
    if (!job.uncounted) recorder.queued(job.model, (job.started - job.arrived) / 1000);
    if (settle(job)) job.resolve(scoresOf(job, now));
  };

  /** A batch failed: a job that was alone in it is the cause; the others start again, each alone. */
  const retry = (batch: Batch, reply: Fault): void => {
    const { model, uncounted } = batch;
    const jobs = jobsOf(batch);
    const [first] = jobs;
    if (first && jobs.length === 1 && !first.settled)
      return fail(first, new Problem('internal_error', { cause: causeOf(model, reply) }));
    recorder.fault(model, reply, uncounted ? [] : jobs.map(({ requestId }) => requestId));
    for (const job of jobs) {
      if (job.settled) continue;
      if (job.sent === job.rows.rows) waiting.push(job);
      admission.reenter(job.sent);
      if (job.isLarge) backlog.change(job.sent);
      restart(job);
    }
  };

  /** Takes the next batch out of the queue. */
  const take = (lane: Lane, limit: number): Batch => {
    const batch = takeBatch(waiting, lane.buffers, limit);
    leaveQueue(batch, admission, backlog);
    return batch;
  };

  const run = async (lane: Lane, limit: number): Promise<void> => {
    const batch = take(lane, limit);
    recorder.running(lane.thread, batch.uncounted ? [] : batch.chunks.map(({ job }) => job.requestId));
    runs++;
    const reply = await lane.run(batch.model, batch.rows, batch.texts, deadlineMs);
    runs--;
    if (reply.ok) {
      if (!batch.uncounted) recorder.batch(batch.model, batch.rows, reply.seconds);
      deliver(batch, lane.buffers(batch.model).answers, complete, reply.failed);
    } else {
      retry(batch, reply);
    }
    dispatch();
    if (lane.state === 'idle') recorder.running(lane.thread, []);
    if (isEmpty()) onEmpty();
  };

  const isEmpty = (): boolean => unsettled + runs + behind.open === 0;
  const dispatch = (): void => {
    gather.dispatched();
    for (let idle = pool.idle(); idle.length > 0 && waiting.first !== undefined; idle = pool.idle()) {
      void run(idle[0] as Lane, shareOf(admission.waitingRows, idle.length));
    }
    if (waiting.first === undefined) behind.dispatch();
  };
  const behind = createBehind(pool, options.background, () => {
    dispatch();
    if (isEmpty()) onEmpty();
  });
  pool.onIdle(dispatch);

  const gather = createGather(() => admission.waitingRows >= ENOUGH_ROWS, dispatch);

  const enqueue = (model: Model, rows: EncodedRows, options: PredictOptions): Promise<Scores> =>
    new Promise((resolve, reject) => {
      const { signal } = options;
      // An aborted signal fires no event.
      if (signal?.aborted) throw new Problem('request_timeout');
      admission.enter(rows.rows);
      const onAbort = (): void => fail(job, new Problem('request_timeout'));
      const release = (): void => signal?.removeEventListener('abort', onAbort);
      const job = createJob(model, rows, { release, resolve, reject }, options);
      unsettled++;
      waiting.push(job);
      deadlines.watch(job);
      if (job.isLarge) backlog.change(rows.rows);
      signal?.addEventListener('abort', onAbort, { once: true });
      gather.arrived();
    });

  return {
    get late() {
      return admission.late;
    },
    backlog,
    get queuedRows() {
      return admission.waitingRows;
    },
    predict: async (model, rows, options) => {
      if (closing) throw new Problem('draining');
      if (rows.rows === 0) return { answers: new Float64Array(0), queueSeconds: 0, runSeconds: 0 };
      return enqueue(model, rows, options);
    },
    close: async () => {
      closing = true;
      behind.close();
      if (!isEmpty()) await new Promise<void>((resolve) => (onEmpty = resolve));
      await pool.close();
    },
  };
}
