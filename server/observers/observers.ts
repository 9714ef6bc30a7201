import type { Logger } from 'pino';
import type { Registry } from 'prom-client';
import type { Config } from '../settings/settings.ts';
import { createDriftObserver } from './drift/observer.ts';
import type { DriftFromProcess } from './drift/messages.ts';
import type { Answered, OnAnswered } from '../prediction/onAnswered.ts';
import type { Contents } from '../model/catalogue.ts';
import type { LogTarget } from '../settings/logTarget.ts';
import { createPool } from '../inference/pool.ts';
import { createShadowRecorder } from './shadow/metrics.ts';
import { createShadow } from './shadow/shadow.ts';

/** Looks at answered rows, off the path. It follows the served models, and is closed after the last request. */
interface Observer {
  readonly observe: OnAnswered;
  follow?(contents: Contents): void;
  close(): Promise<void>;
}

/** All observers of one process. */
export interface Observers {
  readonly observe: readonly OnAnswered[];
  /** Sets the open and served models. */
  follow(contents: Contents): void;
  close(): Promise<void>;
}

export interface ObserverOptions {
  readonly config: Config;
  readonly registry: Registry;
  /** The thread's entry. */
  readonly entry: URL;
  /** Time that a thread has to open and verify one model. */
  readonly openTimeoutMs: number;
  /** Requests wait for CPU time that an observer would take. */
  readonly busy: () => boolean;
  readonly log: Logger;
  readonly send: (message: DriftFromProcess) => Promise<void>;
}

/** Starts the observers that the settings ask for. */
export function createObservers(options: ObserverOptions): Observers {
  const observers: Observer[] = [];
  const { SHADOW, PREDICTION_LOG } = options.config;
  if (SHADOW.length > 0) observers.push(startShadow(options, SHADOW));
  if (PREDICTION_LOG) observers.push(loadPredictionLog(options, PREDICTION_LOG));
  if (options.config.DRIFT_WINDOW_MS > 0) observers.push(createDriftObserver(options.send));
  return {
    observe: observers.map(({ observe }) => observe),
    follow: (contents) => observers.forEach((observer) => observer.follow?.(contents)),
    close: async () => void (await Promise.all(observers.map((observer) => observer.close()))),
  };
}

/** Starts the prediction log, whose code is loaded only where it is set; rows that are answered before wait for it. */
function loadPredictionLog(options: ObserverOptions, target: LogTarget): Observer {
  const early: Answered[] = [];
  let observe: OnAnswered = (observation) => void early.push(observation);
  const started = import('./predictionLog/startPredictionLog.ts').then(async ({ startPredictionLog }) => {
    const predictionLog = await startPredictionLog({ ...options, target });
    observe = predictionLog.observe;
    early.splice(0).forEach(observe);
    return predictionLog;
  });
  return {
    observe: (observation) => observe(observation),
    close: async () => (await started).close(),
  };
}

/** Starts the shadows, which score answered rows on candidates in a thread of their own. */
function startShadow(
  { registry, entry, openTimeoutMs, busy, log }: ObserverOptions,
  ids: readonly string[],
): Observer {
  const fail = (reason: string): void => log.error({ reason }, 'a shadow failed');
  const shadow = createShadow({
    pool: createPool({
      threads: 1,
      entry,
      openTimeoutMs,
      onLost: fail,
      onReplaced: (_, reason) => fail(reason),
    }),
    recorder: createShadowRecorder(registry),
    busy,
    onFailed: (_, reason) => fail(reason),
  });
  return {
    observe: ({ model, table, rows, answers }) => {
      // With refused rows left out, the rows of table and answers don't match.
      if (!rows.refused) shadow.offer(model, table, answers);
    },
    follow: ({ models }) => void shadow.follow(models.filter(({ id }) => ids.includes(id))),
    close: () => shadow.close(),
  };
}
