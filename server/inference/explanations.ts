import type { PackedExplanation } from '../../worker/explanation/packExplanation.ts';
import { Problem } from '../errors/problem.ts';
import type { Model } from '../model/model.ts';
import type { EncodedRows } from '../model/rows.ts';
import type { Lane } from './lane.ts';
import type { Pool } from './pool.ts';
import type { Within } from './within.ts';
import { createWithin } from './within.ts';

/** Time for which explanations keep a thread from predictions, unless one row takes longer. */
const SLICE_MS = 10;
/** Requests of the most rows that may wait. */
const REQUESTS_AHEAD = 4;

/** How a model is explained, or why it can't be. */
export type Prepared = PackedExplanation | { readonly reason: string };

export interface ExplanationsOptions {
  readonly pool: Pick<Pool, 'lanes'>;
  /** Reads what explanations of a model need, and checks that they are exact. */
  readonly prepare: (model: Model) => Promise<Prepared>;
  readonly deadlineMs: number;
  /** Of a request. */
  readonly maxRows: number;
  readonly recorder: ExplanationRecorder;
}

export interface ExplanationRecorder {
  /** Rows of a request, and the seconds from its arrival to its answer. */
  explained(model: Model, rows: number, seconds: number): void;
  /** As QueueRecorder. */
  running(thread: number, requestIds: readonly string[]): void;
}

/** The contributions to the answers of a request's rows. */
export interface Explained {
  readonly packed: PackedExplanation;
  /** [rows, outputs, columns]. */
  readonly contributions: Float64Array;
  readonly seconds: number;
}

export interface ExplainOptions {
  readonly requestId: string;
  /** Aborted when the caller disconnects. */
  readonly signal: AbortSignal;
}

/** Explanations of rows, which threads compute while no prediction waits. */
export interface Explanations {
  readonly maxRows: number;
  /**
   * @param rows on the model's fast path
   * @throws {Problem} not_explainable, overloaded, draining, deadline_exceeded, request_timeout or internal_error
   */
  explain(model: Model, rows: EncodedRows, options: ExplainOptions): Promise<Explained>;
  /** Why the model can't be explained, once that was tried. */
  reasonOf(model: Model): string | undefined;
}

/** What the queue of predictions does with them. */
export interface Background {
  /** Whether rows wait. */
  readonly waiting: boolean;
  /** Requests that aren't answered yet, and slices that lanes work on: threads must not end before. */
  readonly open: number;
  /** Works on some rows in an idle lane; undefined while others do already. */
  start(lane: Lane): Promise<void> | undefined;
  /** Accepts no more requests. */
  close(): void;
  /** The listener is called when rows wait, and when a request has ended. */
  onChange(listener: () => void): void;
}

interface Job {
  readonly model: Model;
  readonly packed: PackedExplanation;
  readonly cells: Float32Array;
  readonly rows: number;
  readonly requestId: string;
  readonly contributions: Float64Array;
  sent: number;
  done: number;
  settled: boolean;
  readonly end: (error?: Problem) => void;
}

/** Prepares each model once, at its first use. */
function createPreparations(prepare: ExplanationsOptions['prepare']) {
  const prepared = new WeakMap<Model, Promise<Prepared>>();
  const reasons = new WeakMap<Model, string>();
  return {
    reasonOf: (model: Model): string | undefined => reasons.get(model),
    of: (model: Model): Promise<Prepared> => {
      let known = prepared.get(model);
      if (!known) {
        known = prepare(model);
        prepared.set(model, known);
        known.then(
          (result) => void ('reason' in result && reasons.set(model, result.reason)),
          // It says nothing of the model: the next request tries again.
          () => prepared.delete(model),
        );
      }
      return known;
    },
  };
}

export function createExplanations(options: ExplanationsOptions): Explanations & Background {
  const { pool, prepare, deadlineMs, maxRows, recorder } = options;
  /** One thread is left to predictions, where there are several. */
  const mostSlices = Math.max(1, pool.lanes.length - 1);
  const preparations = createPreparations(prepare);
  /** Milliseconds that a row took last. */
  const costs = new WeakMap<Model, number>();
  const queue: Job[] = [];
  let onChange = (): void => {};
  let slices = 0;
  let waitingRows = 0;
  let open = 0;
  let closed = false;

  const leave = (job: Job): void => {
    const at = queue.indexOf(job);
    if (at >= 0) queue.splice(at, 1);
  };
  const run = async (lane: Lane, job: Job): Promise<void> => {
    const { model, packed, cells } = job;
    const from = job.sent;
    const perRow = costs.get(model) ?? SLICE_MS;
    const rows = Math.min(job.rows - from, packed.mostRows, Math.max(1, Math.floor(SLICE_MS / perRow)));
    job.sent += rows;
    // In turns: a short request doesn't wait for a long one.
    leave(job);
    if (job.sent < job.rows) queue.push(job);
    const { features, outputs, columns } = packed;
    recorder.running(lane.thread, [job.requestId]);
    const reply = await lane.explain(
      model,
      packed,
      cells.slice(from * features, (from + rows) * features),
      rows,
    );
    recorder.running(lane.thread, []);
    if (!reply.ok || !reply.contributions) {
      const detail = reply.ok ? 'no contributions' : `${reply.code}: ${reply.detail}`;
      return job.end(new Problem('internal_error', { cause: new Error(`${model.id}: ${detail}`) }));
    }
    costs.set(model, Math.max(1e-3, (reply.seconds * 1000) / rows));
    job.contributions.set(reply.contributions, from * outputs * columns);
    job.done += rows;
    if (job.done === job.rows) job.end();
  };
  const compute = (
    model: Model,
    packed: PackedExplanation,
    { rows, cells }: EncodedRows,
    requestId: string,
    within: Within,
  ): Promise<Float64Array> =>
    new Promise((resolve, reject) => {
      const contributions = new Float64Array(rows * packed.outputs * packed.columns);
      const job: Job = {
        model,
        packed,
        cells: cells as Float32Array,
        rows,
        requestId,
        contributions,
        sent: 0,
        done: 0,
        settled: false,
        end: (error) => {
          if (job.settled) return;
          job.settled = true;
          leave(job);
          if (error) reject(error);
          else resolve(contributions);
        },
      };
      within.onEnd(job.end);
      if (rows === 0) job.end();
      if (job.settled) return;
      queue.push(job);
      onChange();
    });

  return {
    maxRows,
    get waiting() {
      return queue.length > 0 && slices < mostSlices;
    },
    get open() {
      return open + slices;
    },
    onChange: (listener) => {
      onChange = listener;
    },
    close: () => {
      closed = true;
    },
    reasonOf: preparations.reasonOf,
    start: (lane) => {
      const job = queue[0];
      if (!job || slices >= mostSlices) return undefined;
      slices++;
      return run(lane, job).finally(() => slices--);
    },
    explain: async (model, rows, { requestId, signal }) => {
      if (closed) throw new Problem('draining');
      if (waitingRows > 0 && waitingRows + rows.rows > REQUESTS_AHEAD * maxRows)
        throw new Problem('overloaded', { detail: 'Too many rows wait to be explained.' });
      const start = performance.now();
      const within = createWithin(deadlineMs, signal);
      waitingRows += rows.rows;
      open++;
      try {
        const packed = await within.race(preparations.of(model));
        if ('reason' in packed) throw notExplainable(packed.reason);
        const contributions = await compute(model, packed, rows, requestId, within);
        const seconds = (performance.now() - start) / 1000;
        recorder.explained(model, rows.rows, seconds);
        return { packed, contributions, seconds };
      } finally {
        within.close();
        waitingRows -= rows.rows;
        open--;
        onChange();
      }
    },
  };
}

export const notExplainable = (reason: string): Problem =>
  new Problem('not_explainable', { detail: `This model can't be explained: ${reason}.` });
