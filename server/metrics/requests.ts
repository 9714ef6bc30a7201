import type { Registry } from 'prom-client';
import { BATCH_BUCKETS } from './buckets.ts';
import type { Count } from './families.ts';
import { createCounter, createLargest } from './families.ts';
import type { labelsOf } from './loadedModels.ts';

/** Records the requests to one version. Seconds are from the body to the answers. */
export interface RequestSeries {
  /** @param began in milliseconds of performance.now() */
  answered(seconds: number, began: number): void;
  failed(seconds: number): void;
  /** @param bucket of its number of rows */
  batch(bucket: number, seconds: number): void;
}

/** The families of requests by model, from which Triton's statistics are made. */
export function createRequestFamilies(
  registry: Registry,
): (labels: ReturnType<typeof labelsOf>) => RequestSeries {
  const requests = createCounter(registry, {
    name: 'inference_requests_total',
    help: 'Requests to a model, and pieces of files, by outcome: `success` or `fail`.',
  });
  const requestSeconds = createCounter(registry, {
    name: 'inference_request_seconds_total',
    help: 'Time that these took, from the body to the answers.',
  });
  const lasts = createLargest(registry, {
    name: 'inference_last_timestamp_seconds',
    help: 'When the last request began that was answered.',
  });
  const batchSeconds = createCounter(registry, {
    name: 'inference_batch_seconds_total',
    help: 'Time that batches were worked on, by the bound of their number of rows.',
  });
  return (labels) => {
    const count = requests({ ...labels, outcome: 'success' });
    const time = requestSeconds({ ...labels, outcome: 'success' });
    const last = lasts(labels);
    const ofSizes: Count[] = [];
    const sizeOf = (bucket: number): Count =>
      batchSeconds({ ...labels, rows: String(BATCH_BUCKETS[bucket] ?? '+Inf') });
    return {
      answered: (seconds, began) => {
        count.add(1);
        time.add(seconds);
        last.value = (performance.timeOrigin + began) / 1000;
      },
      failed: (seconds) => {
        requests({ ...labels, outcome: 'fail' }).add(1);
        requestSeconds({ ...labels, outcome: 'fail' }).add(seconds);
      },
      batch: (bucket, seconds) => (ofSizes[bucket] ??= sizeOf(bucket)).add(seconds),
    };
  };
}
