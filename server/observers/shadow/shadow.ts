import { performance } from 'node:perf_hooks';
import { MAX_BATCH_ROWS, answerWidth } from '../../../worker/protocol.ts';
import type { Table } from '../../model/rows.ts';
import { rowOf } from '../../model/rows.ts';
import type { Model } from '../../model/model.ts';
import type { Pool } from '../../inference/pool.ts';
import { createComparison } from './compare.ts';
import type { ShadowRecorder } from './metrics.ts';

/** Rows that may wait, and the bytes of the bodies that hold them; more are dropped. */
const MAX_WAITING_ROWS = 2048;
const MAX_WAITING_BYTES = 16 * 2 ** 20;

/** Rows that are scored at a time, and the pause before the next ones: they bound the CPU time of shadows. */
const ROUND_ROWS = 64;
const PAUSE_MS = 10;

/** Share of the time between two rounds that the event loop may be busy; above it, a round is skipped. */
const MAX_UTILIZATION = 0.7;

/** Scores answered rows on candidates, off the path. */
export interface Shadow {
  /** Queues the rows of a table that a model has answered. Never throws. */
  offer(model: Model, table: Table, answers: Float64Array): void;
  /** Sets the candidates: opens new ones, and closes those that are gone. */
  follow(candidates: readonly Model[]): Promise<void>;
  close(): Promise<void>;
}

export interface ShadowOptions {
  /** Threads of its own: no request ever waits for a shadow. */
  readonly pool: Pool;
  readonly recorder: ShadowRecorder;
  /** Requests wait for CPU time that a shadow would take. */
  readonly busy: () => boolean;
  /** A candidate can't be opened. */
  readonly onFailed: (model: Model, reason: string) => void;
}

/** Rows of one request. */
interface Sample {
  readonly model: Model;
  readonly table: Table;
  readonly answers: Float64Array;
  /** Rows scored so far. */
  done: number;
  readonly rows: number;
}

const bytesOf = ({ heldBytes = 0 }: Table): number => heldBytes;

export function createShadow({ pool, recorder, busy, onFailed }: ShadowOptions): Shadow {
  const waiting: Sample[] = [];
  let waitingRows = 0;
  let waitingBytes = 0;
  let candidates: readonly Model[] = [];
  let timer: NodeJS.Timeout | undefined;
  let working: Promise<void> = Promise.resolve();
  let closed = false;
  let seen = performance.eventLoopUtilization();

  const candidatesOf = ({ name, key }: Model): Model[] =>
    candidates.filter((candidate) => candidate.name === name && candidate.key !== key);

  const scoreOn = async (shadow: Model, { model, table, answers }: Sample, from: number, count: number) => {
    const compare = createComparison(model.output, shadow.output);
    const [lane] = pool.idle();
    if (!compare || !lane) return recorder.failed(model, shadow, count);
    const part = Array.from({ length: count }, (_, at) => rowOf(table, from + at));
    const form = table.byName ? { byName: true } : {};
    const rows = shadow.encoder.encode(table.columns, part, { ignoreExtra: true }, form);
    const { cells, answers: theirs } = lane.buffers(shadow);
    cells.set(rows.cells);
    const reply = await lane.run(shadow, count, rows.texts);
    if (!reply.ok) return recorder.failed(model, shadow, count);
    const width = answerWidth(model.output);
    const own = answers.subarray(from * width, (from + count) * width);
    for (let row = 0; row < count; row++) recorder.compared(model, shadow, compare(own, theirs, row));
  };

  const round = async (): Promise<void> => {
    const [sample] = waiting;
    if (!sample) return;
    const count = Math.min(ROUND_ROWS, MAX_BATCH_ROWS, sample.rows - sample.done);
    const from = sample.done;
    sample.done += count;
    waitingRows -= count;
    if (sample.done === sample.rows) {
      waiting.shift();
      waitingBytes -= bytesOf(sample.table);
    }
    for (const shadow of candidatesOf(sample.model)) {
      try {
        await scoreOn(shadow, sample, from, count);
      } catch {
        // Its signature refuses these rows: good to know before it is served.
        recorder.failed(sample.model, shadow, count);
      }
    }
  };
  const rest = (): boolean => {
    const now = performance.eventLoopUtilization();
    const { utilization } = performance.eventLoopUtilization(now, seen);
    seen = now;
    return utilization > MAX_UTILIZATION || busy();
  };
  const schedule = (): void => {
    if (timer || closed || waiting.length === 0) return;
    timer = setTimeout(() => {
      working = (rest() ? Promise.resolve() : round()).finally(() => {
        timer = undefined;
        schedule();
      });
    }, PAUSE_MS);
    timer.unref();
  };

  return {
    offer: (model, table, answers) => {
      const shadows = candidatesOf(model);
      if (shadows.length === 0 || closed) return;
      const offered = answers.length / answerWidth(model.output);
      const bytes = bytesOf(table);
      const isRoom = waitingBytes + bytes <= MAX_WAITING_BYTES;
      const rows = isRoom ? Math.min(offered, MAX_WAITING_ROWS - waitingRows) : 0;
      if (rows < offered) for (const shadow of shadows) recorder.dropped(model, shadow, offered - rows);
      if (rows === 0) return;
      waiting.push({ model, table, answers, done: 0, rows });
      waitingRows += rows;
      waitingBytes += bytes;
      schedule();
    },
    follow: async (wanted) => {
      const gone = candidates.filter((candidate) => !wanted.includes(candidate));
      const fresh = wanted.filter((candidate) => !candidates.includes(candidate));
      candidates = candidates.filter((candidate) => wanted.includes(candidate));
      await working;
      for (const candidate of gone) await pool.release(candidate);
      for (const candidate of fresh) {
        try {
          await pool.open(candidate);
          candidates = [...candidates, candidate];
        } catch (error) {
          onFailed(candidate, (error as Error).message);
        }
      }
    },
    close: async () => {
      closed = true;
      clearTimeout(timer);
      await working;
      await pool.close();
    },
  };
}
