import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createApp } from './app.ts';
import { createQueue } from '../inference/queue.ts';
import type { Inference } from '../inference/port.ts';
import { createInferenceRecorder } from '../metrics/inference.ts';
import { createRegistry } from '../metrics/registry.ts';
import { createPool } from '../inference/pool.ts';
import { loadAdult, loadAdultGolden } from '../testing/adult.ts';
import { APP_CONFIG, appDeps } from '../testing/appDeps.ts';
import { builtThread } from '../testing/builtThread.ts';

let app: ReturnType<typeof createApp>;
let inference: Inference;

beforeAll(async () => {
  const model = await loadAdult();
  const fail = (reason: unknown): never => {
    throw new Error(`a thread was lost: ${String(reason)}`);
  };
  const pool = createPool({
    threads: 2,
    entry: builtThread('worker/main'),
    openTimeoutMs: 20_000,
    onLost: fail,
    onReplaced: (_, reason) => fail(reason),
  });
  await pool.open(model);
  const registry = createRegistry('server');
  const recorder = createInferenceRecorder(registry, () => 0);
  inference = createQueue({
    pool,
    deadlineMs: 8000,
    maxQueuedRows: 100_000,
    recorder: { batch: recorder.batch, queued: recorder.queued, running: () => {}, fault: fail },
  });
  app = createApp(
    appDeps([model], {
      registry,
      config: { ...APP_CONFIG, DEADLINE_MS: 8000, MAX_BODY_BYTES: 2 ** 20 },
      inference,
      recorder,
    }),
  );
});
afterAll(() => inference.close());

async function ask(columns: readonly string[], data: readonly (readonly unknown[])[]) {
  const body = Buffer.from(JSON.stringify({ columns, data }));
  const response = await app.request('/predict?probabilities=true', { method: 'POST', body }, {});
  expect(response.status).toBe(200);
  return (await response.json()) as { predictions: string[]; probabilities: number[][] };
}

describe('the golden rows through POST /predict', () => {
  it('get the answers of the training side', async () => {
    const { columns, data, predictions, probabilities } = await loadAdultGolden();
    const got = await ask(columns, data);
    expect(got.predictions).toEqual(predictions);
    got.probabilities.forEach((row, at) =>
      row.forEach((value, k) =>
        expect(Math.abs(value - (probabilities[at]?.[k] as number))).toBeLessThan(1e-6),
      ),
    );
  });

  it('get the same answers one by one, concurrently, and within a large request', async () => {
    const { columns, data, predictions } = await loadAdultGolden();
    const large = Array.from({ length: 20 }, () => data).flat();
    const [whole, ...single] = await Promise.all([
      ask(columns, large),
      ...data.map((row) => ask(columns, [row])),
    ]);
    expect(single.map((answer) => answer.predictions[0])).toEqual(predictions);
    expect(whole.predictions).toEqual(Array.from({ length: 20 }, () => predictions).flat());
  });

  it('get the same answers beside texts of unknown categories', async () => {
    const { columns, data, predictions } = await loadAdultGolden();
    const odd = ['', '\u0000', '\ud800', '😀', 'x'.repeat(10_000)].map((text) =>
      (data[0] as unknown[]).map((cell, at) => (columns[at] === 'occupation' ? text : cell)),
    );
    const answer = await ask(columns, [...odd, ...data]);
    expect(answer.predictions.slice(odd.length)).toEqual(predictions);
    for (const row of answer.probabilities) expect((row[0] as number) + (row[1] as number)).toBeCloseTo(1, 5);
  });
});
