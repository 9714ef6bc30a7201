import { pino } from 'pino';
import { Registry } from 'prom-client';
import { afterEach, describe, expect, it } from 'vitest';
import type { Answered } from '../../prediction/onAnswered.ts';
import { tinyModel, tinyRows } from '../../testing/tinyModel.ts';
import { Metrics } from '../../testing/scrape.ts';
import { eventually, withDeadline } from '../../testing/withDeadline.ts';
import { createLogRecorder } from './metrics.ts';
import { createPredictionLog } from './predictionLog.ts';
import type { Line } from './sink.ts';
import { SinkFailure } from './sink.ts';
import { createRecordWriter } from './writeRecords.ts';

const model = tinyModel();

/** A request of rows x = `first`, `first` + 1, … */
function observation(count: number, first = 0, text = ''): Answered {
  const values = Array.from({ length: count }, (_, at) => first + at);
  const table = { columns: ['x'], data: values.map((x) => [x]) };
  return { id: `r${text}`, model, table, rows: tinyRows(values), answers: Float64Array.from(values) };
}

/** A store that can be made to fail or to hang. */
function createFakeSink() {
  const state = {
    down: undefined as SinkFailure | undefined,
    refusing: 0,
    /** A write waits for it, if set. */
    hang: undefined as Promise<void> | undefined,
    writing: 0,
    batches: [] as (readonly Line[])[],
    closed: false,
  };
  return Object.assign(state, {
    open: () => (state.down?.reason === 'unreachable' ? Promise.reject(state.down) : Promise.resolve()),
    write: async (lines: readonly Line[]) => {
      state.writing++;
      await state.hang;
      state.writing--;
      if (state.down) throw state.down;
      state.batches.push(lines);
      return state.refusing;
    },
    close: () => {
      state.closed = true;
      return Promise.resolve();
    },
    values: () =>
      state.batches
        .flat()
        .map(({ text }) => (JSON.parse(text) as { output: { value: number } }).output.value),
  });
}

const open: { close(): Promise<void> }[] = [];
afterEach(() => Promise.all(open.splice(0).map((log) => log.close())));

function start(sink = createFakeSink()) {
  const registry = new Registry();
  const said: string[] = [];
  const log = createPredictionLog({
    sink,
    write: createRecordWriter('full'),
    recorder: createLogRecorder(registry),
    log: pino({}, { write: (line) => said.push(line) }),
  });
  open.push(log);
  const metrics = async () => new Metrics(await registry.metrics());
  const dropped = async (reason: string) =>
    (await metrics()).sum('prediction_log_dropped_total', `reason="${reason}"`);
  return { sink, log, said, metrics, dropped };
}

const numbers = (count: number) => Array.from({ length: count }, (_, at) => at);
const failure = (reason: SinkFailure['reason']) => new SinkFailure(reason, new Error('so'));

describe('the prediction log', () => {
  it('stores every row once, in order, in batches', async () => {
    const { log, sink, metrics } = start();
    for (let at = 0; at < 1000; at += 10) log.observe(observation(10, at));
    await eventually('all rows', () => sink.values().length === 1000);
    expect(sink.values()).toEqual(numbers(1000));
    expect(sink.batches.length).toBeLessThan(100);
    expect((await metrics()).sum('prediction_log_records_total')).toBe(1000);
    expect((await metrics()).sum('prediction_log_up')).toBe(1);
  });

  it('writes nothing in the turn that answers, and never waits for the store', async () => {
    const { log, sink } = start();
    let written = false;
    const { table, ...rest } = observation(1);
    const lazy = {
      ...rest,
      table: {
        ...table,
        get data() {
          written = true;
          return [[0]];
        },
      },
    };
    log.observe(lazy);
    expect(written).toBe(false);
    await eventually('the row', () => sink.values().length === 1);
  });

  it('logs as many rows of a large request as it has room for, and counts the rest', async () => {
    const { log, sink, dropped } = start();
    log.observe(observation(50_000));
    await eventually('the end', () => sink.values().length >= 20_000);
    log.observe(observation(1, 50_000));
    await eventually('the next request', () => sink.values().at(-1) === 50_000);
    expect(sink.values()).toHaveLength(20_001);
    expect(await dropped('queue_full')).toBe(30_000);
  });

  it('bounds the bytes of waiting records, too', async () => {
    const sink = createFakeSink();
    sink.down = failure('unreachable');
    const { log, dropped } = start(sink);
    // A label of 1 MiB in each record.
    for (let at = 0; at < 40; at++) log.observe(observation(1, at, 'x'.repeat(2 ** 20)));
    await eventually('the drops', async () => (await dropped('unreachable')) > 0);
    sink.down = undefined;
    await eventually('the rest', async () => sink.values().length + (await dropped('unreachable')) === 40);
    expect(sink.values().length).toBeGreaterThan(10);
    expect(sink.values().length).toBeLessThan(20);
  });

  it('keeps its records while the store is away, tries again, and logs that once', async () => {
    const sink = createFakeSink();
    sink.down = failure('unreachable');
    const { log, said, metrics, dropped } = start(sink);
    log.observe(observation(15_000));
    log.observe(observation(10_000, 15_000));
    await eventually('the gauge', async () => (await metrics()).sum('prediction_log_up') === 0);
    await eventually('the first record', () => said.length > 0);
    log.observe(observation(5, 30_000));
    expect((await dropped('unreachable')) + (await dropped('queue_full'))).toBe(5005);
    sink.down = undefined;
    await eventually('all rows that it had', () => sink.values().length === 20_000, 10_000);
    expect(sink.values()).toEqual(numbers(20_000));
    expect((await metrics()).sum('prediction_log_up')).toBe(1);
    expect(said.map((line) => (JSON.parse(line) as { msg: string }).msg)).toEqual([
      'predictions cannot be logged',
      'predictions are logged again',
    ]);
  });

  it.each(['disk_full', 'refused'] as const)('writes a batch again after "%s"', async (reason) => {
    const sink = createFakeSink();
    const { log, dropped } = start(sink);
    sink.down = failure(reason);
    log.observe(observation(20_000));
    await eventually('drops by that reason', async () => {
      log.observe(observation(20_000));
      return (await dropped(reason)) > 0;
    });
    sink.down = undefined;
    await eventually('what it had', () => sink.values().length >= 20_000, 10_000);
    expect(sink.values().slice(0, 20_000)).toEqual(numbers(20_000));
  });

  it('counts records that the store refuses for good', async () => {
    const sink = createFakeSink();
    sink.refusing = 2;
    const { log, metrics, dropped } = start(sink);
    log.observe(observation(5));
    await eventually('the refusal', async () => (await dropped('refused')) === 2);
    expect((await metrics()).sum('prediction_log_records_total')).toBe(3);
  });

  it('stores the waiting records at the end', async () => {
    const { log, sink } = start();
    log.observe(observation(3000));
    await withDeadline('its end', log.close());
    expect(sink.values()).toEqual(numbers(3000));
    expect(sink.closed).toBe(true);
  });

  it.each([
    ['is away', { down: failure('unreachable') }],
    ['hangs', { hang: new Promise<void>(() => {}) }],
  ])('ends within a second when the store %s, and counts what is lost', async (_, state) => {
    const sink = Object.assign(createFakeSink(), state);
    const { log, dropped } = start(sink);
    log.observe(observation(300));
    await eventually('a try', () => sink.down !== undefined || sink.writing === 1);
    const began = performance.now();
    await withDeadline('its end', log.close());
    expect(performance.now() - began).toBeLessThan(2000);
    expect(await dropped('shutdown')).toBe(300);
    expect(sink.closed).toBe(true);
  });
});
