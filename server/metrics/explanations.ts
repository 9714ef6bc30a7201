import type { Registry } from 'prom-client';
import type { Model } from '../model/model.ts';
import { LATENCY_BUCKETS } from './buckets.ts';
import { createCounter, createHistogram } from './families.ts';
import { labelsOf } from './loadedModels.ts';

/** Records the explanations of a request: its rows, and the seconds from its arrival to its answer. */
export type RecordExplained = (model: Model, rows: number, seconds: number) => void;

/** The families of explanations of one process. */
export function createExplanationRecorder(registry: Registry): RecordExplained {
  const rowsTotal = createCounter(registry, { name: 'explanation_rows_total', help: 'Explained rows.' });
  const duration = createHistogram(
    registry,
    {
      name: 'explanation_duration_seconds',
      help: 'Time that the explanation of a request took, its wait for a thread included.',
    },
    LATENCY_BUCKETS,
  );
  return (model, rows, seconds) => {
    const labels = labelsOf(model);
    rowsTotal(labels).add(rows);
    duration(labels).observe(seconds);
  };
}
