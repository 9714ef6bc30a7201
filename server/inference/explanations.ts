import type { Space } from '../../worker/explanation/space.ts';
import type { PreparedExplanation, Rows } from '../../worker/protocol.ts';
import { Problem } from '../errors/problem.ts';
import type { Explanation, Model } from '../model/model.ts';
import { explanationOf } from '../model/explanation.ts';
import { ModelRefused } from '../model/refused.ts';
import type { EncodedRows } from '../model/rows.ts';
import type { Contributions, ExplanationJob } from './explanationJob.ts';
import { contributionsOf, createJob, mostUnits, numbersOf, taskOf, unitsOf } from './explanationJob.ts';
import { createCosts, lateJobs } from './explanationCosts.ts';
import type { Lane } from './lane.ts';
import type { Pool } from './pool.ts';
import type { Prepared } from './preparations.ts';
import { createPreparations } from './preparations.ts';
import type { Within } from './within.ts';
import { createWithin } from './within.ts';

/** Time for which explanations keep a thread from predictions, unless one unit takes longer. */
const SLICE_MS = 10;
/** Requests of the most rows that may wait. */
const REQUESTS_AHEAD = 4;
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
export interface Explained extends Omit<Contributions, 'base'> {
  readonly packed: Omit<Space, 'scale'> & { readonly columns: number; readonly base: readonly number[] };
  /** Orders or coalitions of columns that a row's contributions are computed of; undefined where they are of no sample. */
  readonly samples: number | undefined;
  readonly method: Exclude<Explanation, { readonly reason: string }>['method'];
  readonly seconds: number;
}

export interface ExplainOptions {
  readonly requestId: string;
  /** Aborted when the caller disconnects. */
  readonly signal: AbortSignal;
}

/** Explanations of rows, which threads compute while no prediction waits. */
export interface Explanations {
  /** Rows that a request may have: by the setting, and by the time that the model's rows take. */
  mostRows(model: Model): number;
  /**
   * @param rows on the path in force
   * @throws {Problem} not_explainable, too_many_rows, overloaded, draining, deadline_exceeded, request_timeout or internal_error
   */
  explain(model: Model, rows: EncodedRows, options: ExplainOptions): Promise<Explained>;
  /** How the model is explained, or why it can't be: as the first use has found, or by what its files say. */
  describe(model: Model): Explanation;
  /** The rows with which sampled explanations compare; undefined for a model that is explained otherwise. */
  backgroundOf(model: Model): Promise<Rows | undefined>;
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

const METHODS = { trees: 'tree_path_dependent', linear: 'linear' } as const;

const methodOf = (prepared: PreparedExplanation): Explained['method'] =>
  prepared.kind === 'sampled' ? prepared.plan.method : METHODS[prepared.kind];

function describe(model: Model, prepared: Prepared | undefined): Explanation {
  if (!prepared) return explanationOf(model);
  return 'reason' in prepared ? prepared : { method: methodOf(prepared), space: prepared.space };
}

function factsOf(
  prepared: PreparedExplanation,
  base: readonly number[],
): Pick<Explained, 'packed' | 'method' | 'samples'> {
  const { space, outputs, columns, first } = prepared;
  return {
    packed: { space, outputs, columns, base, ...(first && { first }) },
    method: methodOf(prepared),
    samples: prepared.kind === 'sampled' ? prepared.plan.samples : undefined,
  };
}

export const tooManyRows = (most: number): Problem =>
  new Problem('too_many_rows', {
    detail: `At most ${most} rows of this model are explained at a time: send the others in further requests.`,
  });

const overloaded = (): Problem =>
  new Problem('overloaded', { detail: 'Too many rows wait to be explained.' });

export function createExplanations(options: ExplanationsOptions): Explanations & Background {
  const { pool, prepare, deadlineMs, maxRows, recorder } = options;
  /** One thread is left to predictions, where there are several. */
  const mostSlices = Math.max(1, pool.lanes.length - 1);
  const preparations = createPreparations(prepare);
  const costs = createCosts(deadlineMs * mostSlices);
  const queue: ExplanationJob[] = [];
  let onChange = (): void => {};
  let slices = 0;
  let waitingRows = 0;
  let open = 0;
  let closed = false;

  const mostRows = (model: Model): number => {
    const prepared = preparations.known(model);
    const units = prepared && !('reason' in prepared) ? unitsOf(prepared) : 1;
    return Math.min(maxRows, costs.rowsInTime(model, units));
  };
  const leave = (job: ExplanationJob): void => {
    const at = queue.indexOf(job);
    if (at >= 0) queue.splice(at, 1);
  };
  const shed = (): void => lateJobs(queue, costs).forEach((job) => job.end(overloaded()));
  const run = async (lane: Lane, job: ExplanationJob): Promise<void> => {
    const { model, prepared, units, results } = job;
    const from = job.sent;
    const cost = costs.of(model) ?? SLICE_MS;
    const count = Math.min(units - from, mostUnits(prepared), Math.max(1, Math.floor(SLICE_MS / cost)));
    job.sent += count;
    // In turns: a short request doesn't wait for a long one.
    leave(job);
    if (job.sent < units) queue.push(job);
    recorder.running(lane.thread, [job.requestId]);
    const reply = await lane.explain(model, prepared, taskOf(job, from, count));
    recorder.running(lane.thread, []);
    if (!reply.ok || !reply.contributions) {
      const detail = reply.ok ? 'no contributions' : `${reply.code}: ${reply.detail}`;
      if (prepared.kind === 'sampled' && !reply.ok && reply.code === 'run_failed')
        return job.end(
          notExplainable("it fails on rows that mix this row's cells with those of its background rows"),
        );
      return job.end(new Problem('internal_error', { cause: new Error(`${model.id}: ${detail}`) }));
    }
    costs.record(model, (reply.seconds * 1000) / count);
    shed();
    results.set(reply.contributions, from * numbersOf(prepared));
    if (reply.base) job.base = reply.base;
    job.done += count;
    if (job.done === units) return job.end();
    const most = costs.rowsInTime(model, unitsOf(prepared));
    if (job.rows.rows > most) job.end(tooManyRows(most));
  };
  const compute = (
    model: Model,
    prepared: PreparedExplanation,
    rows: EncodedRows,
    requestId: string,
    within: Within,
  ): Promise<Contributions> =>
    new Promise((resolve, reject) => {
      const job = createJob(model, prepared, rows, requestId, (error) => {
        leave(job);
        if (error) reject(error);
        else resolve(contributionsOf(job));
      });
      within.onEnd(job.end);
      if (job.units === 0) job.end();
      if (job.settled) return;
      queue.push(job);
      shed();
      onChange();
    });

  return {
    mostRows,
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
    describe: (model) => describe(model, preparations.known(model)),
    backgroundOf: async (model) => {
      const prepared = await preparations.of(model);
      return 'kind' in prepared && prepared.kind === 'sampled' ? prepared.background : undefined;
    },
    start: (lane) => {
      const job = queue[0];
      if (!job || slices >= mostSlices) return undefined;
      slices++;
      return run(lane, job).finally(() => slices--);
    },
    explain: async (model, rows, { requestId, signal }) => {
      if (closed) throw new Problem('draining');
      if (waitingRows > 0 && waitingRows + rows.rows > REQUESTS_AHEAD * maxRows) throw overloaded();
      const start = performance.now();
      const within = createWithin(deadlineMs, signal);
      waitingRows += rows.rows;
      open++;
      try {
        const explanation = await within.race(preparations.of(model)).catch((error: unknown) => {
          if (!(error instanceof ModelRefused)) throw error;
          throw notExplainable(`its files have changed since it was opened: ${error.reason}`);
        });
        if ('reason' in explanation) throw notExplainable(explanation.reason);
        const { base, ...found } = await compute(model, explanation, rows, requestId, within);
        const seconds = (performance.now() - start) / 1000;
        recorder.explained(model, rows.rows, seconds);
        return { ...found, ...factsOf(explanation, base), seconds };
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
