import { expect, it } from 'vitest';
import { createAggregator } from '../primary/metrics/aggregate.ts';
import { createClusterRecorder } from '../primary/metrics/clusterMetrics.ts';
import { tinyModel } from '../testing/tinyModel.ts';
import { createInferenceRecorder } from './inference.ts';
import { createRegistry } from './registry.ts';
import { takeSnapshot } from './snapshot.ts';

const SHA256 = 'a'.repeat(64);

it('makes a small scrape of many models until they are asked, with what alerts need', async () => {
  const models = Array.from({ length: 300 }, (_, at) => {
    const model = tinyModel(`model${at}`);
    return { ...model, signature: { ...model.signature, sha256: SHA256 } };
  });
  const registry = createRegistry('server');
  const recorder = createInferenceRecorder(registry, () => 0);
  const own = createRegistry('primary');
  createClusterRecorder(own).attach({
    processes: () => 2,
    models: () => models.map(({ name }) => name),
    ready: () => true,
  });
  for (const model of models) recorder.loaded(model, 0.01);
  const aggregator = createAggregator();
  const scrape = async (): Promise<string> => {
    for (const id of [1, 2]) aggregator.update(id, await takeSnapshot(registry));
    return aggregator.expose(await takeSnapshot(own));
  };
  const before = await scrape();
  expect(before.length).toBeGreaterThan(50_000);
  expect(before.length).toBeLessThan(300_000);
  for (const name of ['model_ready', 'model_info', 'model_load_failures_total'])
    expect(before.match(new RegExp(`^${name}\\{`, 'gm')), name).toHaveLength(300);
  expect(before).not.toMatch(/^inference_rows_total\{/m);

  const rows = { rows: 3, cells: new Float64Array(3), texts: [], warnings: [], warningsTotal: 0 };
  recorder.answered(models[7]!, rows, new Float64Array(3), 0.001, 0);
  const after = await scrape();
  expect(after.match(/^inference_rows_total\{.*/gm)).toEqual([
    'inference_rows_total{model="model7",version="1"} 6',
  ]);
  expect(after.length - before.length).toBeLessThan(10_000);
});
