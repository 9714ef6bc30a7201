import type { Logger } from 'pino';
import type { Registry } from 'prom-client';
import type { Config } from '../../settings/settings.ts';
import { fromHome } from '../../platform/install.ts';
import { createLogRecorder } from './metrics.ts';
import type { PredictionLog } from './predictionLog.ts';
import { createPredictionLog } from './predictionLog.ts';
import type { Sink } from './sink.ts';
import type { LogTarget } from '../../settings/logTarget.ts';
import { createRecordWriter } from './writeRecords.ts';

export interface StartOptions {
  readonly config: Pick<
    Config,
    | 'PREDICTION_LOG_INPUT'
    | 'PREDICTION_LOG_MAX_RECORDS'
    | 'PREDICTION_LOG_FILE_BYTES'
    | 'PREDICTION_LOG_MAX_FILES'
  >;
  readonly target: LogTarget;
  readonly registry: Registry;
  readonly log: Logger;
}

/** The sink of the settings. The client of Redis is loaded only if needed. */
async function createSink({ target, config }: StartOptions, onLost: () => void): Promise<Sink> {
  if (target.kind === 'redis') {
    const { createRedisSink } = await import('./redisSink.ts');
    return createRedisSink({ url: target.url, maxRecords: config.PREDICTION_LOG_MAX_RECORDS, onLost });
  }
  const { createFileSink } = await import('./fileSink.ts');
  return createFileSink({
    folder: fromHome(target.folder),
    fileBytes: config.PREDICTION_LOG_FILE_BYTES,
    maxFiles: config.PREDICTION_LOG_MAX_FILES,
    pid: process.pid,
  });
}

/** Starts the log of the settings. It doesn't wait for an absent Redis, which is tried again and again. */
export async function startPredictionLog(options: StartOptions): Promise<PredictionLog> {
  const { config, registry, log } = options;
  let lost = (): void => {};
  const predictionLog = createPredictionLog({
    sink: await createSink(options, () => lost()),
    write: createRecordWriter(config.PREDICTION_LOG_INPUT),
    recorder: createLogRecorder(registry),
    log,
  });
  lost = predictionLog.lost;
  return predictionLog;
}
