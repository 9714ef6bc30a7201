import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from 'pino';
import type { OnAnswered } from '../../prediction/onAnswered.ts';
import { deadline } from '../../platform/deadline.ts';
import type { LogRecorder } from './metrics.ts';
import type { DropReason, Line, Sink } from './sink.ts';
import { SinkFailure } from './sink.ts';
import { createLogBacklog } from './backlog.ts';
import type { LogBacklogOptions } from './backlog.ts';

/** Time to gather records before they are stored. */
const GATHER_MS = 20;
/** Pauses between attempts to store. */
const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 5000;
/** Time to store the remaining records at the end. */
const FLUSH_MS = 800;

/** Logs answered rows, off the path of requests. */
export interface PredictionLog {
  /** Takes less than a microsecond, and never throws. */
  readonly observe: OnAnswered;
  /** The sink has lost its connection. */
  lost(): void;
  /** Stores the remaining records, as far as there is time. No rows may be observed after it. */
  close(): Promise<void>;
}

export interface PredictionLogOptions {
  readonly sink: Sink;
  readonly write: LogBacklogOptions['write'];
  readonly recorder: LogRecorder;
  readonly log: Logger;
}

export function createPredictionLog({ sink, write, recorder, log }: PredictionLogOptions): PredictionLog {
  /** Why nothing can be stored at the moment. */
  let failing: SinkFailure | undefined;
  let dropped = 0;
  /** Perhaps stored already: it is written again until the sink confirms it. */
  let batch: readonly Line[] | undefined;
  const closing = new AbortController();
  let wake: (() => void) | undefined;

  const drop = (reason: DropReason, rows: number): void => {
    dropped += rows;
    recorder.dropped(reason, rows);
  };
  const waiting = createLogBacklog({
    write,
    onDropped: (rows) => drop(closing.signal.aborted ? 'shutdown' : (failing?.reason ?? 'queue_full'), rows),
    onRecords: () => wake?.(),
  });
  const failed = (failure: SinkFailure): void => {
    if (!failing)
      log.warn({ reason: failure.reason, detail: failure.message }, 'predictions cannot be logged');
    failing = failure;
    recorder.up(false);
  };
  const healthy = (): void => {
    if (failing) log.info({ dropped }, 'predictions are logged again');
    failing = undefined;
    dropped = 0;
    recorder.up(true);
  };
  const pause = (ms: number): Promise<void> =>
    sleep(ms, undefined, { signal: closing.signal, ref: false }).catch(() => undefined);
  const records = async (): Promise<void> => {
    await new Promise<void>((resolve) => (wake = resolve));
    wake = undefined;
    await pause(GATHER_MS);
  };
  const store = async (lines: readonly Line[]): Promise<void> => {
    const refused = await sink.write(lines);
    batch = undefined;
    recorder.logged(lines.length - refused);
    if (refused > 0) drop('refused', refused);
    healthy();
  };

  const work = async (): Promise<void> => {
    let pauseMs = FIRST_PAUSE_MS;
    for (;;) {
      try {
        await sink.open();
        batch ??= waiting.take();
        if (batch) await store(batch);
        else {
          healthy();
          if (closing.signal.aborted) return;
          await records();
        }
        pauseMs = FIRST_PAUSE_MS;
      } catch (error) {
        failed(error instanceof SinkFailure ? error : new SinkFailure('unreachable', error));
        if (closing.signal.aborted) return;
        // Random, so that not all processes try at the same moment.
        await pause(pauseMs * (0.5 + Math.random()));
        pauseMs = Math.min(2 * pauseMs, LONGEST_PAUSE_MS);
      }
    }
  };
  const working = work();

  return {
    observe: waiting.add,
    lost: () => wake?.(),
    close: async () => {
      waiting.finish();
      closing.abort();
      wake?.();
      await deadline(working, FLUSH_MS, 'storing the last records').catch(() => undefined);
      const left = batch?.length ?? 0;
      if (left > 0) drop('shutdown', left);
      waiting.clear();
      await sink.close();
    },
  };
}
