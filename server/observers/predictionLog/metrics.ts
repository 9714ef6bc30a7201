import type { Registry } from 'prom-client';
import { Gauge } from 'prom-client';
import { createCounter } from '../../metrics/families.ts';
import type { DropReason } from './sink.ts';
import { DROP_REASONS } from './sink.ts';

/** Counts logged and dropped predictions. */
export interface LogRecorder {
  logged(records: number): void;
  dropped(reason: DropReason, records: number): void;
  /** Sets whether records can be stored. */
  up(up: boolean): void;
}

export function createLogRecorder(registry: Registry): LogRecorder {
  const logged = createCounter(registry, {
    name: 'prediction_log_records_total',
    help: 'Predicted rows that were logged.',
  })({});
  const series = createCounter(registry, {
    name: 'prediction_log_dropped_total',
    help: 'Predicted rows that were not logged.',
  });
  // All series exist from the start: a rate needs a value before the first increase.
  const dropped = new Map(DROP_REASONS.map((reason) => [reason, series({ reason })]));
  const up = new Gauge({
    name: 'prediction_log_up',
    help: 'Whether every process can store its records.',
    aggregator: 'min',
    registers: [registry],
  });
  return {
    logged: (records) => logged.add(records),
    dropped: (reason, records) => dropped.get(reason)?.add(records),
    up: (value) => up.set(value ? 1 : 0),
  };
}
