import { describe, expect, it } from 'vitest';
import type { PackedExplanation } from '../../worker/explanation/packExplanation.ts';
import type { Reply } from '../../worker/protocol.ts';
import { ModelRefused } from '../model/refused.ts';
import type { EncodedRows } from '../model/rows.ts';
import { tinyModel } from '../testing/tinyModel.ts';
import type { ExplanationsOptions } from './explanations.ts';
import { createExplanations } from './explanations.ts';
import type { Lane } from './lane.ts';
import { createQueue } from './queue.ts';

const model = tinyModel('tiny');
const PACKED = {
  kind: 'trees',
  space: 'value',
  base: [0],
  features: 1,
  outputs: 1,
  columns: 1,
  mostRows: 16,
} as unknown as PackedExplanation;
const rowsOf = (values: readonly number[]): EncodedRows => ({
  rows: values.length,
  cells: Float32Array.from(values),
  texts: [],
  warnings: [],
  warningsTotal: 0,
});

interface Slice {
  readonly values: readonly number[];
  /** Each row's contribution is twice its value. */
  finish(reply?: Reply): void;
}

/** A queue with one lane that records what it is given. */
function setUp(options: Partial<ExplanationsOptions> = {}) {
  const slices: Slice[] = [];
  const runs: (() => void)[] = [];
  let state: 'idle' | { kind: 'run'; since: number } = 'idle';
  const answers = new Float64Array(256);
  const work = <T>(begin: (end: (value: T) => void) => void): Promise<T> => {
    expect(state).toBe('idle');
    state = { kind: 'run', since: 0 };
    return new Promise((resolve) =>
      begin((value) => {
        state = 'idle';
        resolve(value);
      }),
    );
  };
  const lane: Lane = {
    thread: 0,
    get state() {
      return state;
    },
    buffers: () => ({ rows: 256, cells: new Float32Array(256), answers }),
    run: () => work<Reply>((end) => runs.push(() => end({ ok: true, seconds: 0.001 }))),
    explain: (_model, _prepared, { cells }) =>
      work<Reply>((end) =>
        slices.push({
          values: [...cells],
          finish: (
            reply = {
              ok: true,
              seconds: 0.001 * cells.length,
              contributions: Float64Array.from(cells as Float32Array, (x) => 2 * x),
            },
          ) => end(reply),
        }),
      ),
  };
  const lanes = [lane];
  const recorded: number[] = [];
  let closed = false;
  const explanations = createExplanations({
    pool: { lanes },
    prepare: () => Promise.resolve(PACKED),
    deadlineMs: 5000,
    maxRows: 10,
    recorder: { explained: (_model, rows) => recorded.push(rows), running: () => {} },
    ...options,
  });
  const queue = createQueue({
    pool: {
      lanes,
      idle: () => lanes.filter((one) => one.state === 'idle'),
      onIdle: () => {},
      open: () => Promise.resolve(model),
      openBeside: () => Promise.resolve(model),
      release: () => Promise.resolve(),
      close: () => {
        closed = true;
        return Promise.resolve();
      },
    },
    deadlineMs: 5000,
    maxQueuedRows: 1000,
    recorder: { batch: () => {}, queued: () => {}, running: () => {}, fault: () => {} },
    background: explanations,
  });
  const explain = (values: readonly number[], signal = new AbortController().signal) =>
    explanations.explain(model, rowsOf(values), { requestId: 'id', signal });
  const predict = () => queue.predict(model, rowsOf([1]), { requestId: 'p' });
  return { slices, runs, explanations, queue, explain, predict, recorded, isClosed: () => closed };
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
const count = (n: number): number[] => Array.from({ length: n }, (_, i) => i + 1);

describe('explanations', () => {
  it('are computed in slices of 10 ms, in the order of the rows', async () => {
    const { slices, explain, recorded } = setUp();
    const answer = explain(count(15));
    // Nothing is known of the cost yet: one row.
    for (const wanted of [[1], count(11).slice(1), count(15).slice(11)]) {
      await turn();
      expect(slices.at(-1)?.values).toEqual(wanted);
      slices.at(-1)?.finish();
    }
    expect([...(await answer).contributions]).toEqual(count(15).map((x) => 2 * x));
    expect(recorded).toEqual([15]);
    expect(slices).toHaveLength(3);
  });

  it('are refused where they could not be answered in time, so that the others are', async () => {
    // Rows of 500 ms: 8 of them within the deadline.
    const { slices, explain } = setUp({ maxRows: 100 });
    const finish = async (): Promise<void> => {
      await turn();
      const contributions = Float64Array.from(slices.at(-1)?.values ?? []);
      slices.at(-1)?.finish({ ok: true, seconds: 0.5 * contributions.length, contributions });
    };
    const known = explain([1, 2]);
    await finish();
    await finish();
    await known;
    const answers = Array.from({ length: 6 }, () => explain([1, 2, 3]).then(() => 'answered', String));
    for (let slice = 0; slice < 9; slice++) await finish();
    const said = await Promise.all(answers);
    // Of the first one a row is under way.
    expect(said.map((one) => one === 'answered')).toEqual([true, true, true, false, false, false]);
    expect(said.at(-1)).toContain('Too many rows wait');
  });

  it('take turns, and let predictions go first', async () => {
    const { slices, runs, explain, predict } = setUp();
    const [long, short] = [explain(count(3)), explain([7])];
    await turn();
    const prediction = predict();
    await turn();
    expect([slices.length, runs.length]).toEqual([1, 0]);
    slices[0]?.finish();
    await turn();
    // The thread is free: the prediction has it, though explanations wait longer.
    expect([slices.length, runs.length]).toEqual([1, 1]);
    runs[0]?.();
    await prediction;
    await turn();
    expect(slices[1]?.values).toEqual([2, 3]);
    const third = explain(count(30));
    slices[1]?.finish();
    expect([...(await long).contributions]).toEqual([2, 4, 6]);
    await turn();
    expect(slices[2]?.values).toEqual([7]);
    slices[2]?.finish();
    expect([...(await short).contributions]).toEqual([14]);
    await turn();
    expect(slices[3]?.values).toEqual(count(10));
    const fourth = explain([9]);
    for (let at = 3; at < 7; at++) {
      slices[at]?.finish();
      await turn();
    }
    expect(slices.slice(4).map(({ values }) => values.length)).toEqual([10, 1, 10]);
    expect([...(await fourth).contributions]).toEqual([18]);
    expect((await third).contributions).toHaveLength(30);
  });

  it('are refused while four requests of the most rows wait', async () => {
    const { explain, slices } = setUp();
    const waiting = [0, 1, 2, 3].map(() => explain(count(10)).catch(() => {}));
    await turn();
    await expect(explain([1])).rejects.toMatchObject({ code: 'overloaded' });
    while (slices.length < 40) {
      const { length } = slices;
      slices[length - 1]?.finish();
      await turn();
      if (slices.length === length) break;
    }
    await Promise.all(waiting);
    const late = explain([1]);
    await turn();
    slices.at(-1)?.finish();
    expect((await late).contributions).toHaveLength(1);
  });

  it('end at the deadline, and with their caller', async () => {
    const { explain, slices } = setUp({ deadlineMs: 20 });
    await expect(explain([1])).rejects.toMatchObject({ code: 'deadline_exceeded' });
    const caller = new AbortController();
    const gone = explain([2], caller.signal);
    caller.abort();
    await expect(gone).rejects.toMatchObject({ code: 'request_timeout' });
    // The thread isn't given rows that nothing waits for.
    slices[0]?.finish();
    await turn();
    expect(slices).toHaveLength(1);
  });

  it('of a model that has none report the reason, once it was tried', async () => {
    let tried = 0;
    const { explain, explanations } = setUp({
      prepare: () => {
        tried++;
        return Promise.resolve({ reason: 'of a test' });
      },
    });
    for (let i = 0; i < 2; i++)
      await expect(explain([1])).rejects.toMatchObject({
        code: 'not_explainable',
        message: "This model can't be explained: of a test.",
      });
    expect([tried, explanations.describe(model)]).toEqual([1, { reason: 'of a test' }]);
  });

  it('are prepared again after a failure that says nothing of the model', async () => {
    let tried = 0;
    const { explain, slices } = setUp({
      prepare: () => (tried++ === 0 ? Promise.reject(new Error('no memory')) : Promise.resolve(PACKED)),
    });
    await expect(explain([1])).rejects.toThrow('no memory');
    const answer = explain([1]);
    await turn();
    slices[0]?.finish();
    expect((await answer).contributions).toHaveLength(1);
  });

  it('of a model whose files have turned bad say so', async () => {
    const { explain } = setUp({
      prepare: () => Promise.reject(new ModelRefused('tiny/1', 'model.json is not valid JSON')),
    });
    await expect(explain([1])).rejects.toMatchObject({
      code: 'not_explainable',
      message: expect.stringContaining('since it was opened: model.json is not valid JSON') as unknown,
    });
  });

  it('that a thread fails on are an internal error, and the next one is answered', async () => {
    const { explain, slices } = setUp();
    const failed = explain([1]);
    await turn();
    slices[0]?.finish({ ok: false, code: 'run_failed', detail: 'of a test' });
    await expect(failed).rejects.toMatchObject({ code: 'internal_error' });
    const answer = explain([1]);
    await turn();
    slices[1]?.finish();
    expect((await answer).contributions).toHaveLength(1);
  });

  it('are answered before the threads end', async () => {
    const { explain, slices, queue, isClosed } = setUp();
    const answer = explain([1, 2]);
    await turn();
    const closing = queue.close();
    await expect(explain([3])).rejects.toMatchObject({ code: 'draining' });
    slices[0]?.finish();
    await turn();
    expect(isClosed()).toBe(false);
    slices[1]?.finish();
    await answer;
    await closing;
    expect(isClosed()).toBe(true);
  });
});
