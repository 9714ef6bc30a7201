import { Registry } from 'prom-client';
import { expect, it } from 'vitest';
import { createAggregator } from '../../primary/metrics/aggregate.ts';
import { createInferenceRecorder } from '../../metrics/inference.ts';
import { takeSnapshot } from '../../metrics/snapshot.ts';
import { tinyModel, tinyRows } from '../../testing/tinyModel.ts';
import { STATISTICS_PREFIXES, v2Statistics } from './statistics.ts';

const model = tinyModel();
const NONE = { count: 0, ns: 0 };

/** The statistics of processes, each with what `record` does in it. */
async function statisticsOf(
  ...processes: ((recorder: ReturnType<typeof createInferenceRecorder>) => void)[]
) {
  const aggregator = createAggregator();
  for (const [id, record] of processes.entries()) {
    const registry = new Registry();
    record(createInferenceRecorder(registry, () => 0));
    aggregator.update(id, await takeSnapshot(registry));
  }
  return v2Statistics(
    [model],
    STATISTICS_PREFIXES.flatMap((prefix) => aggregator.sums(prefix)),
  );
}

it('are the sums over all processes, in nanoseconds', async () => {
  const began = performance.now();
  const [found] = await statisticsOf(
    (recorder) => {
      recorder.parsed(model, 0.001);
      recorder.queued(model, 0.002);
      recorder.batch(model, 3, 0.004);
      recorder.answered(model, tinyRows([1, 2, 3]), new Float64Array(3), 0.007, began - 5);
    },
    (recorder) => {
      recorder.parsed(model, 0.001);
      recorder.queued(model, 0);
      recorder.batch(model, 1, 0.5);
      recorder.batch(model, 4, 0.25);
      recorder.answered(model, tinyRows([1]), new Float64Array(1), 0.501, began);
      recorder.failed(model, 0.125);
    },
  );
  expect(found).toEqual({
    name: 'tiny',
    version: '1',
    last_inference: Math.round(performance.timeOrigin + began),
    inference_count: 4,
    execution_count: 3,
    inference_stats: {
      success: { count: 2, ns: 508_000_000 },
      fail: { count: 1, ns: 125_000_000 },
      queue: { count: 2, ns: 2_000_000 },
      compute_input: { count: 2, ns: 2_000_000 },
      compute_infer: { count: 3, ns: 754_000_000 },
      compute_output: NONE,
      cache_hit: NONE,
      cache_miss: NONE,
    },
    batch_stats: [
      { batch_size: 1, compute_input: NONE, compute_infer: { count: 1, ns: 5e8 }, compute_output: NONE },
      {
        batch_size: 4,
        compute_input: NONE,
        compute_infer: { count: 2, ns: 254_000_000 },
        compute_output: NONE,
      },
    ],
  });
});

it('of a version without a request are zeros', async () => {
  const [found] = await statisticsOf(() => {});
  expect(found).toMatchObject({ last_inference: 0, inference_count: 0, batch_stats: [] });
  expect(found?.inference_stats.success).toEqual(NONE);
});
