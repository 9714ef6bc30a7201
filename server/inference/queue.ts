import { MAX_BATCH_ROWS, answerWidth } from '../../worker/protocol.ts';
import type { Matrix, Reply } from '../../worker/protocol.ts';
import { Problem } from '../errors/problem.ts';
import type { Inference, PredictOptions, Scores } from './port.ts';
import type { Model } from '../model/model.ts';
import type { EncodedRows } from '../model/rows.ts';
import type { Pool } from './pool.ts';
import type { Lane } from './lane.ts';
import { patienceOf } from '../overload/patience.ts';
import { createQueueAdmission } from '../overload/queueAdmission.ts';
import type { Batch } from './batch.ts';
import { takeBatch } from './batch.ts';
import { createDeadlines } from './deadlines.ts';
import type { Job } from './job.ts';
import { createJob, restart } from './job.ts';
import { createLinkedList } from './linkedList.ts';

/** Below it a batch isn't split over idle threads: the hop costs more than the rows. */
const MIN_SPLIT_ROWS = 32;

/** Turns of the event loop that a batch waits at most, while each brings more requests. */
const MAX_TURNS = 8;

/** Batches of large requests that a thread has before it while more of them are decoded: the others share with those. */
const BATCHES_AHEAD = 16;

/** What the queue tells of its work; see metrics/inference.ts. */
export interface QueueRecorder {
  batch(model: Model, rows: number, seconds: number): void;
  queued(model: Model, seconds: number): void;
  /** The ids of the requests that a thread begins to work on; none when it ends. */
  running(thread: number, requestIds: readonly string[]): void;
  /** A batch failed, and no request's own error will tell why: its requests run again, or nobody waits for them. */
  fault(model: Model, reply: Exclude<Reply, { ok: true }>, requestIds: readonly string[]): void;
}

export interface QueueOptions {
  readonly pool: Pool;
  readonly deadlineMs: number;
  readonly maxQueuedRows: number;
  readonly recorder: QueueRecorder;
}

/** What is admitted here always waits, if only for the end of the turn. */
export interface Queue extends Inference {
  predict(...request: Parameters<Inference['predict']>): Promise<Scores>;
}

/**
 * Natural batching: while a thread is idle, whatever waits goes at once; while all are busy, requests pile up and
 * leave together. There is no timer, so no latency is added at low load, and batches are large exactly when the
 * load is high.
 */
export function createQueue({ pool, deadlineMs, maxQueuedRows, recorder }: QueueOptions): Queue {
  const waiting = createLinkedList<Job>((job) => job.waiting);
  const admission = createQueueAdmission(maxQueuedRows, patienceOf(deadlineMs));
  const enoughRows = BATCHES_AHEAD * MAX_BATCH_ROWS * pool.lanes.length;
  let largeRows = 0;
  const isFull = (): boolean => largeRows > enoughRows;
  let onRoom = (): void => {};
  /** So many rows of a job wait from now on, or no longer. */
  const countLarge = ({ isLarge }: Job, rows: number): void => {
    if (!isLarge) return;
    largeRows += rows;
    if (rows < 0 && !isFull()) onRoom();
  };
  let unsettled = 0;
  /** Batches that a thread works on: perhaps for nobody any more, but a thread that runs a model must not be ended. */
  let runs = 0;
  let closing = false;
  let dispatching = false;
  /** Requests so far; how many there were a turn ago; and turns that were waited. */
  let arrivals = 0;
  let seen = 0;
  let turns = 0;
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
      countLarge(job, -unsent);
    }
    unsettled--;
    if (unsettled + runs === 0) onEmpty();
    return true;
  };
  const fail = (job: Job, problem: Problem): void => {
    if (settle(job)) job.reject(problem);
  };
  const deadlines = createDeadlines(deadlineMs, (job) => fail(job, new Problem('deadline_exceeded')));

  const deliver = ({ model, chunks }: Batch, answers: Float64Array): void => {
    const width = answerWidth(model.output);
    const now = performance.now();
    for (const { job, attempt, from, at, rows } of chunks) {
      if (job.settled || job.attempt !== attempt) continue;
      job.answers.set(answers.subarray(at * width, (at + rows) * width), from * width);
      job.answered += rows;
      if (job.answered < job.rows.rows) continue;
      const queueSeconds = (job.started - job.arrived) / 1000;
      recorder.queued(model, queueSeconds);
      if (settle(job))
        job.resolve({ answers: job.answers, queueSeconds, runSeconds: (now - job.started) / 1000 });
    }
  };

  /** A batch failed: a job that was alone in it is the cause; the others start again, each alone. */
  const retry = (batch: Batch, reply: Exclude<Reply, { ok: true }>): void => {
    const { model, chunks } = batch;
    const jobs = [...new Set(chunks.map(({ job }) => job))];
    const [first] = jobs;
    if (first && jobs.length === 1 && !first.settled) {
      const cause = new Error(`${model.id}: ${reply.code}: ${reply.detail}`);
      return fail(first, new Problem('internal_error', { cause }));
    }
    recorder.fault(
      model,
      reply,
      jobs.map(({ requestId }) => requestId),
    );
    for (const job of jobs) {
      if (job.settled) continue;
      if (job.sent === job.rows.rows) waiting.push(job);
      admission.reenter(job.sent);
      countLarge(job, job.sent);
      restart(job);
    }
  };

  /** The next batch, which no longer waits. */
  const take = (cells: (model: Model) => Matrix, limit: number): Batch => {
    const batch = takeBatch(waiting, cells, limit);
    const now = performance.now();
    admission.leave(batch.rows);
    for (const { job, rows } of batch.chunks) {
      countLarge(job, -rows);
      if (!Number.isNaN(job.started)) continue;
      job.started = now;
      admission.began(now - job.queued);
    }
    return batch;
  };

  const run = async (lane: Lane, limit: number): Promise<void> => {
    const batch = take((model) => lane.buffers(model).cells, limit);
    recorder.running(
      lane.thread,
      batch.chunks.map(({ job }) => job.requestId),
    );
    runs++;
    const reply = await lane.run(batch.model, batch.rows, batch.texts);
    runs--;
    if (reply.ok) {
      recorder.batch(batch.model, batch.rows, reply.seconds);
      deliver(batch, lane.buffers(batch.model).answers);
    } else {
      retry(batch, reply);
    }
    dispatch();
    if (lane.idle) recorder.running(lane.thread, []);
    if (unsettled + runs === 0) onEmpty();
  };

  const dispatch = (): void => {
    dispatching = false;
    for (let idle = pool.idle(); idle.length > 0 && waiting.first !== undefined; idle = pool.idle()) {
      const share = Math.max(MIN_SPLIT_ROWS, Math.ceil(admission.waitingRows / idle.length));
      void run(idle[0] as Lane, Math.min(MAX_BATCH_ROWS, share));
    }
  };
  pool.onIdle(dispatch);

  /**
   * Requests that come in together leave together: while each turn of the event loop brings new ones, they are waited
   * for, for a few turns. A request that comes alone doesn't wait for anybody.
   */
  const gather = (): void => {
    if (arrivals !== seen && turns++ < MAX_TURNS && admission.waitingRows < MAX_BATCH_ROWS) {
      seen = arrivals;
      setImmediate(gather);
    } else {
      dispatch();
    }
  };
  const scheduleDispatch = (): void => {
    if (dispatching) return;
    dispatching = true;
    turns = 0;
    seen = arrivals;
    setImmediate(gather);
  };

  const enqueue = (model: Model, rows: EncodedRows, options: PredictOptions): Promise<Scores> =>
    new Promise((resolve, reject) => {
      const { requestId, signal } = options;
      // It would never tell.
      if (signal?.aborted) throw new Problem('request_timeout');
      admission.enter(rows.rows);
      const onAbort = (): void => fail(job, new Problem('request_timeout'));
      const release = (): void => signal?.removeEventListener('abort', onAbort);
      const job = createJob(model, rows, requestId, { release, resolve, reject }, options);
      unsettled++;
      arrivals++;
      waiting.push(job);
      deadlines.watch(job);
      countLarge(job, rows.rows);
      signal?.addEventListener('abort', onAbort, { once: true });
      scheduleDispatch();
    });

  return {
    get late() {
      return admission.late;
    },
    get isFull() {
      return isFull();
    },
    onRoom: (listener) => {
      onRoom = listener;
    },
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
      if (unsettled + runs > 0) await new Promise<void>((resolve) => (onEmpty = resolve));
      await pool.close();
    },
  };
}
