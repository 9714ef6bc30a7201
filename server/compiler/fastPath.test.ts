import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { createInline } from '../inference/inline.ts';
import type { QueueRecorder } from '../inference/queue.ts';
import { createQueue } from '../inference/queue.ts';
import type { Pool } from '../inference/pool.ts';
import { digestOnnx } from '../loading/onnxFile.ts';
import { fastPathOf } from '../testing/fastPathOf.ts';
import { ADULT_COLUMNS, loadAdult } from '../testing/adult.ts';
import { createStrictPool } from '../testing/strictPool.ts';
import { withDeadline } from '../testing/withDeadline.ts';
import { findFastPath } from './fastPath.ts';
import type { Fast, Model } from '../model/model.ts';

let whole: Model;
let candidate: Model;
beforeAll(async () => {
  whole = await loadAdult();
  candidate = await fastPathOf(whole);
});

const started: Pool[] = [];
afterEach(() =>
  withDeadline('the end of the threads', Promise.all(started.splice(0).map((pool) => pool.close()))),
);

function startPool(threads: number): Pool {
  const pool = createStrictPool(threads, 20_000);
  started.push(pool);
  return pool;
}

const SILENT: QueueRecorder = { batch: () => {}, queued: () => {}, running: () => {}, fault: () => {} };

/** The golden rows' answers through the queue. */
async function answer(pool: Pool, model: Model, inline: boolean): Promise<Float64Array> {
  const queue = createQueue({
    pool,
    deadlineMs: 8000,
    maxQueuedRows: 1000,
    recorder: SILENT,
  });
  const inference = inline ? createInline(queue, SILENT) : queue;
  const rows = model.encoder.encode(ADULT_COLUMNS, whole.golden?.table.data ?? []);
  return (await inference.predict(model, rows, { requestId: 'golden' })).answers;
}

describe('the fast path of the Adult model', () => {
  it('is a forest behind lifted encoders, with golden and edge rows to try', () => {
    expect(candidate.fast).toMatchObject({
      engine: { engine: 'forest', path: 'lifted' },
      encoder: { width: 108, cellBytes: 4, textsTravel: false },
    });
    const golden = whole.golden?.rows ?? 0;
    expect(candidate.fast?.probes.whole.rows).toBeGreaterThan(golden + 100);
    expect(candidate.fast?.probes.fast.rows).toBe(candidate.fast?.probes.whole.rows);
  });

  it.each([
    ['in threads', false],
    ['inline', true],
  ])('is in force once it was verified, and answers as the whole graph does: %s', async (_, inline) => {
    const pool = startPool(2);
    const served = await pool.open(candidate);
    expect(served.engine).toEqual({ engine: 'forest', path: 'lifted', batching: 'batch' });
    const reference = startPool(1);
    const unchanged = await reference.open(whole);
    expect(await answer(pool, served, inline)).toEqual(await answer(reference, unchanged, false));
  });

  it('is refused, and the whole graph serves, when one probe is answered differently', async () => {
    const fast = candidate.fast as Fast;
    const cells = fast.probes.fast.cells.slice();
    // Row 40 becomes row 0.
    cells.copyWithin(40 * fast.encoder.width, 0, fast.encoder.width);
    const probes = { ...fast.probes, fast: { ...fast.probes.fast, cells } };
    const pool = startPool(2);
    const served = await pool.open({ ...candidate, fast: { ...fast, probes } });
    expect(served.engine).toEqual({
      engine: 'onnxruntime',
      path: 'whole',
      batching: 'batch',
      reason: 'it answers row 40 of the probes differently',
    });
    expect(served.encoder).toBe(whole.encoder);
    const golden = whole.golden?.answers as Float64Array;
    const answers = await answer(pool, served, true);
    answers.forEach((value, at) => expect(value).toBeCloseTo(golden[at] as number, 6));
  });

  it('is refused when it cannot be opened', async () => {
    const fast = candidate.fast as Fast;
    const path: Fast['path'] = {
      features: fast.path.features,
      rest: { kind: 'graph', bytes: Buffer.from('no graph'), input: 'x' },
    };
    const served = await startPool(1).open({ ...candidate, fast: { ...fast, path } });
    expect(served.engine).toMatchObject({
      path: 'whole',
      reason: expect.stringContaining('damaged') as string,
    });
  });

  it('is not looked for in a file of another digest', () => {
    expect(findFastPath(whole, digestOnnx(Buffer.from('another file')))).toBe(whole);
  });
});
