import type { TextCell } from '../../worker/protocol.ts';
import { answerWidth } from '../../worker/protocol.ts';
import type { Model } from '../model/model.ts';
import type { Job } from './job.ts';
import type { Buffers } from './laneMemory.ts';
import type { LinkedList } from './linkedList.ts';

/** The part of a batch that one request takes at a time while others wait: then the next request follows. */
const CHUNKS = 4;

/** Consecutive rows of one job within a batch. */
interface Chunk {
  readonly job: Job;
  /** The attempt of the job. */
  readonly attempt: number;
  /** First row, counted in the job. */
  readonly from: number;
  /** First row, counted in the batch. */
  readonly at: number;
  readonly rows: number;
}

/** Rows of one model that go to a thread together. */
export interface Batch {
  readonly model: Model;
  readonly chunks: readonly Chunk[];
  readonly rows: number;
  readonly texts: readonly TextCell[];
  /** All of its jobs are: the server's own questions share no batch with requests. */
  readonly uncounted: boolean;
}

/** Takes the texts of the job's next rows, renumbered for the batch. */
function takeTexts(job: Job, at: number, rows: number, texts: TextCell[]): void {
  const end = job.sent + rows;
  for (
    let cell = job.rows.texts[job.sentTexts];
    cell !== undefined && cell.row < end;
    cell = job.rows.texts[++job.sentTexts]
  ) {
    texts.push({ ...cell, row: cell.row - job.sent + at });
  }
}

/**
 * Takes the next batch: at most `limit` rows of the first job's model, from as many jobs as fit, in order. A job with
 * more rows goes to the end of the queue, so a single row never waits behind a large request.
 *
 * @param buffers of the thread: its matrix is filled from row 0
 */
export function takeBatch(
  waiting: LinkedList<Job>,
  buffers: (model: Model) => Pick<Buffers, 'cells' | 'rows'>,
  limit = Infinity,
): Batch {
  const { model, alone, uncounted } = waiting.first as Job;
  const { cells: target, rows: most } = buffers(model);
  const full = Math.min(limit, most);
  const { width, textsTravel } = model.encoder;
  const chunks: Chunk[] = [];
  const texts: TextCell[] = [];
  let rows = 0;
  for (
    let job = waiting.first;
    job !== undefined && job.model === model && rows < full;
    job = waiting.first
  ) {
    if (job.alone !== alone || job.uncounted !== uncounted) break;
    const left = job.rows.rows - job.sent;
    const others = job.waiting.next !== undefined;
    const take = Math.min(left, full - rows, others ? Math.floor(most / CHUNKS) : left);
    target.set(job.rows.cells.subarray(job.sent * width, (job.sent + take) * width), rows * width);
    if (textsTravel) takeTexts(job, rows, take, texts);
    chunks.push({ job, attempt: job.attempt, from: job.sent, at: rows, rows: take });
    job.sent += take;
    rows += take;
    waiting.remove(job);
    if (take < left) waiting.push(job);
    if (alone) break;
  }
  return { model, chunks, rows, texts, uncounted };
}

/** Notes the rows of a chunk among the failed ones of its batch. @returns whether the job ends with them */
function noteFailed({ job, from, at, rows }: Chunk, failed: readonly number[]): boolean {
  const own = failed.filter((row) => row >= at && row < at + rows);
  if (own.length === 0) return false;
  job.failed = [...(job.failed ?? []), ...own.map((row) => from + row - at)];
  return !job.skipBadRows;
}

/**
 * Copies the answers of a batch to its jobs.
 *
 * @param complete is called with each job that needs no more answers, and the time
 * @param failed rows of the batch that have no answer
 */
export function deliver(
  { model, chunks }: Batch,
  answers: Float64Array,
  complete: (job: Job, now: number) => void,
  failed?: readonly number[],
): void {
  const width = answerWidth(model.output);
  const now = performance.now();
  for (const chunk of chunks) {
    const { job, attempt, from, at, rows } = chunk;
    if (job.settled || job.attempt !== attempt) continue;
    job.answers.set(answers.subarray(at * width, (at + rows) * width), from * width);
    job.answered += rows;
    const ends = failed !== undefined && noteFailed(chunk, failed);
    if (ends || job.answered === job.rows.rows) complete(job, now);
  }
}

export const jobsOf = ({ chunks }: Batch): Job[] => [...new Set(chunks.map(({ job }) => job))];
