import { afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { createQueue } from './queue.ts';
import type { QueueRecorder } from './queue.ts';
import type { Scores } from './port.ts';
import type { Model } from '../model/model.ts';
import { ModelRefused } from '../model/refused.ts';
import type { Pool } from './pool.ts';
import type { Lane, PoolOptions } from './lane.ts';
import { createPool } from './pool.ts';
import { watchHungThreads } from './hungThread.ts';
import { ADULT_COLUMNS, ADULT_ROW, adultRow, loadAdult } from '../testing/adult.ts';
import { builtThread } from '../testing/builtThread.ts';
import { eventually, withDeadline } from '../testing/withDeadline.ts';

/** Threads take a while to load on a busy machine. */
const START_MS = 20_000;

let model: Model;
beforeAll(async () => {
  model = await loadAdult();
});

const started: Pool[] = [];
afterEach(() =>
  withDeadline('the end of the threads', Promise.allSettled(started.splice(0).map((pool) => pool.close()))),
);

function startPool(entry: string, options: Partial<PoolOptions> = {}) {
  const events = { onLost: vi.fn<PoolOptions['onLost']>(), onReplaced: vi.fn<PoolOptions['onReplaced']>() };
  const pool = createPool({
    threads: 1,
    entry: builtThread(entry),
    openTimeoutMs: START_MS,
    ...events,
    ...options,
  });
  started.push(pool);
  return { pool, ...events };
}

/** A queue on real threads. A request with a text outside of its categories makes a fixture fail. */
async function startQueue(fixture: string, deadlineMs = 8000) {
  const { pool, ...events } = startPool(`worker/fixtures/${fixture}`);
  await pool.open(model);
  const fault = vi.fn<QueueRecorder['fault']>();
  // A fixture's answer has the thread's id in the place of its time.
  const threads: number[] = [];
  const recorder: QueueRecorder = {
    batch: (_, __, seconds) => void threads.push(seconds),
    queued: () => {},
    running: () => {},
    fault,
  };
  const queue = createQueue({ pool, deadlineMs, maxQueuedRows: 1000, recorder });
  const ask = (row: readonly unknown[]): Promise<Scores> =>
    withDeadline(
      'an answer',
      queue.predict(model, model.encoder.encode(ADULT_COLUMNS, [row]), { requestId: 'id' }),
      START_MS,
    );
  return {
    pool,
    ...events,
    fault,
    threads,
    good: async () => expect((await ask(ADULT_ROW)).answers[0]).toBe(0),
    faulty: () => ask(adultRow({ workclass: 'faulty' })),
  };
}

describe('a pool', () => {
  it('opens the model in every thread, and each can score it', async () => {
    const { pool } = startPool('worker/main', { threads: 2 });
    expect(pool.idle()).toEqual([]);
    await pool.open(model);
    expect(pool.idle()).toEqual(pool.lanes);
    const { cells } = model.encoder.encode(ADULT_COLUMNS, [ADULT_ROW]);
    for (const lane of pool.lanes) {
      lane.buffers(model).cells.set(cells);
      const run = lane.run(model, 1, []);
      expect(lane.state).toMatchObject({ kind: 'run' });
      expect(await withDeadline('the run', run)).toMatchObject({ ok: true });
      expect(lane.state).toBe('idle');
      expect([...lane.buffers(model).answers.subarray(0, 3)]).toEqual([
        0,
        expect.any(Number),
        expect.any(Number),
      ]);
    }
  });

  it('closes a model once the batch that a thread runs has ended', async () => {
    const { pool } = startPool('worker/main');
    await pool.open(model);
    const [lane] = pool.lanes as [Lane];
    lane.buffers(model).cells.set(model.encoder.encode(ADULT_COLUMNS, [ADULT_ROW]).cells);
    const run = lane.run(model, 1, []);
    const released = pool.release({ ...model, key: 'another' });
    expect(lane.state).toMatchObject({ kind: 'run' });
    expect(await withDeadline('the run', run)).toMatchObject({ ok: true });
    expect(lane.state).toMatchObject({ kind: 'open' });
    await withDeadline('the release', released);
    expect(lane.state).toBe('idle');
  });

  it('refuses a model whose file has changed, in one line', async () => {
    const { pool, onLost } = startPool('worker/main');
    const changed = { ...model, signature: { ...model.signature, sha256: '0'.repeat(64) } };
    const refusal: unknown = await pool.open(changed).catch((error: unknown) => error);
    expect(refusal).toBeInstanceOf(ModelRefused);
    expect(onLost).not.toHaveBeenCalled();
    expect((refusal as Error).message).toMatch(
      /^model adult\/1 refused: has sha256 \w+, its .* \(checksum_mismatch\)$/,
    );
  });

  it('refuses to open a model in a thread that never loads, when its time is over', async () => {
    const { pool, onLost } = startPool('worker/fixtures/neverLoads', { openTimeoutMs: 300 });
    const refusal: unknown = await withDeadline(
      'the refusal',
      pool.open(model).catch((error: unknown) => error),
    );
    expect(refusal).toBeInstanceOf(ModelRefused);
    expect((refusal as Error).message).toMatch(/^model adult\/1 refused: .*300 ms \(model_unreadable\)$/);
    // Other models would wait behind it.
    await eventually('the report that its process is lost', () => onLost.mock.calls.length > 0);
    expect(onLost.mock.calls).toEqual([['a thread still opens adult/1']]);
  });

  it('says what is missing when threads were not built', () => {
    expect(() => builtThread('worker/no-such-thread')).toThrow(/npm run build/);
  });
});

describe('a thread that', () => {
  it.each([
    ['throws outside of its task', 'throws', /thrown outside of the task/],
    ['exits', 'exits', /./],
  ])('%s is 500 for that request, and a new one answers the next', async (_, fixture, reason) => {
    const { good, faulty, threads, fault, onReplaced, onLost } = await startQueue(fixture);
    await good();
    await expect(faulty()).rejects.toMatchObject({ code: 'internal_error' });
    await good();
    expect(threads).toHaveLength(2);
    expect(threads[1]).not.toBe(threads[0]);
    expect(onReplaced.mock.calls).toEqual([[0, expect.stringMatching(reason)]]);
    expect(onLost).not.toHaveBeenCalled();
    // The request's own log line has the cause.
    expect(fault).not.toHaveBeenCalled();
  });

  it('throws instead of replying is 500 for that request, and the next is answered', async () => {
    const { good, faulty } = await startQueue('rejects');
    await good();
    await expect(faulty()).rejects.toMatchObject({
      code: 'internal_error',
      cause: { message: expect.stringContaining('thrown instead of a reply') as string },
    });
    await good();
  });

  it('cannot run a batch is 500 for that request, keeps its model and answers the next', async () => {
    const { good, faulty, onReplaced } = await startQueue('badShape');
    await good();
    await expect(faulty()).rejects.toMatchObject({
      code: 'internal_error',
      cause: { message: expect.stringContaining('run_failed') as string },
    });
    await good();
    expect(onReplaced).not.toHaveBeenCalled();
  });

  it('hangs is 504 at the deadline, and is reported as hung', async () => {
    const deadlineMs = 200;
    const { pool, good, faulty } = await startQueue('hangs', deadlineMs);
    const onHung = vi.fn<(thread: number) => void>();
    const stop = watchHungThreads(pool, 2 * deadlineMs, onHung);
    await good();
    const start = performance.now();
    await expect(faulty()).rejects.toMatchObject({ code: 'deadline_exceeded' });
    expect(performance.now() - start).toBeGreaterThanOrEqual(deadlineMs - 1);
    // It waits for the thread, which doesn't come back.
    await expect(good()).rejects.toMatchObject({ code: 'deadline_exceeded' });
    await eventually('the report', () => onHung.mock.calls.length > 0);
    expect(onHung.mock.calls).toEqual([[0]]);
    stop();
  });
});
