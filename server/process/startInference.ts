import type { Logger } from 'pino';
import type { Registry } from 'prom-client';
import { watchHungThreads } from '../inference/hungThread.ts';
import type { InlineInference } from '../inference/inline.ts';
import { createInline } from '../inference/inline.ts';
import type { Explanations } from '../inference/explanations.ts';
import { createExplanations } from '../inference/explanations.ts';
import type { ImportanceOf } from '../inference/importance.ts';
import { createImportance } from '../inference/importance.ts';
import type { Prepared } from '../inference/preparations.ts';
import type { Pool } from '../inference/pool.ts';
import { createPool } from '../inference/pool.ts';
import type { Queue } from '../inference/queue.ts';
import { createQueue } from '../inference/queue.ts';
import { createExplanationRecorder } from '../metrics/explanations.ts';
import type { InferenceRecorder } from '../metrics/inference.ts';
import { createInferenceRecorder } from '../metrics/inference.ts';
import { createInFlightNotes } from '../platform/inFlightNotes.ts';
import type { Model } from '../model/model.ts';
import type { Config } from '../settings/settings.ts';

export interface StartInferenceOptions {
  readonly config: Pick<
    Config,
    'INFERENCE_THREADS' | 'DEADLINE_MS' | 'MAX_QUEUED_ROWS' | 'EXPLAIN' | 'MAX_EXPLAIN_ROWS'
  >;
  /** The server's runtime folder. */
  readonly runtime: string;
  /** The thread's entry. */
  readonly entry: URL;
  /** Time that every thread has to open and verify one model. */
  readonly openTimeoutMs: number;
  readonly registry: Registry;
  readonly log: Logger;
  /** Reads what explanations of a model need. */
  readonly explain: (model: Model) => Promise<Prepared>;
  /** See ImportanceOptions.load. */
  readonly importance: (model: Model) => Promise<readonly number[] | undefined>;
  /** A thread hangs, or can't be replaced. */
  readonly onLost: (reason: string) => void;
}

/** The threads of this process, and both ways to them. */
export interface ProcessInference {
  readonly pool: Pool;
  readonly queue: Queue;
  readonly inline: InlineInference;
  /** Undefined where they are off. */
  readonly explanations: Explanations | undefined;
  readonly importanceOf: ImportanceOf | undefined;
  readonly recorder: InferenceRecorder;
  /** Whether requests wait, or every thread works. */
  busy(): boolean;
  /** Stops watching for hung threads. */
  stopWatching(): void;
  /** Removes the notes of requests in flight. */
  closeNotes(): void;
}

export function startInference(options: StartInferenceOptions): ProcessInference {
  const { config, runtime, entry, openTimeoutMs, registry, log, explain, importance, onLost } = options;
  const { INFERENCE_THREADS: threads, DEADLINE_MS: deadlineMs, MAX_QUEUED_ROWS: maxQueuedRows } = config;
  /** The ids of the requests in each thread's batch. */
  const working = new Map<number, readonly string[]>();
  const notes = createInFlightNotes(runtime, process.pid);
  const pool = createPool({
    threads,
    entry,
    openTimeoutMs,
    onLost,
    onReplaced: (thread, reason) =>
      log.error({ thread, reason, requestIds: working.get(thread) }, 'a thread died and is being replaced'),
  });
  const recorder = createInferenceRecorder(registry, () => queue.queuedRows);
  const running = (thread: number, requestIds: readonly string[]): void => {
    working.set(thread, requestIds);
    notes.note(thread, requestIds);
  };
  const explanations =
    config.EXPLAIN === 'on'
      ? createExplanations({
          pool,
          prepare: explain,
          deadlineMs,
          maxRows: config.MAX_EXPLAIN_ROWS,
          recorder: { explained: createExplanationRecorder(registry), running },
        })
      : undefined;
  const queue = createQueue({
    pool,
    deadlineMs,
    maxQueuedRows,
    background: explanations,
    recorder: {
      batch: recorder.batch,
      queued: recorder.queued,
      running,
      fault: ({ id }, { code, detail }, requestIds) =>
        log.warn({ model: id, code, detail, requestIds }, 'a batch failed'),
    },
  });
  const hungAfterMs = 2 * deadlineMs;
  return {
    pool,
    queue,
    inline: createInline(queue, recorder),
    explanations,
    importanceOf: explanations && createImportance({ explanations, load: importance }),
    recorder,
    busy: () => queue.queuedRows > 0 || pool.idle().length < pool.lanes.length,
    stopWatching: watchHungThreads(pool, hungAfterMs, (thread) =>
      onLost(`thread ${thread} has not answered for ${hungAfterMs} ms`),
    ),
    closeNotes: notes.close,
  };
}
