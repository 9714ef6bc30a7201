import { describe, expect, it } from 'vitest';
import { tinyModel } from '../testing/tinyModel.ts';
import { MODEL, doubled, makeQueue, settleTurn, values } from '../testing/withQueue.ts';

describe('natural batching', () => {
  it('sends a request at once while a lane is idle', async () => {
    const { pool, predict } = makeQueue();
    const answer = predict([7]);
    await settleTurn();
    expect(pool.running.map((run) => run.values)).toEqual([[7]]);
    pool.running[0]?.finish();
    expect((await answer).answers).toEqual(doubled([7]));
  });

  it('sends requests that arrive in the same turn together', async () => {
    const { pool, predict } = makeQueue();
    void predict([1]);
    void predict([2, 3]);
    await settleTurn();
    expect(pool.running.map((run) => run.values)).toEqual([[1, 2, 3]]);
  });

  it('lets requests pile up while all lanes are busy, and leave together', async () => {
    const { pool, predict, queue } = makeQueue();
    const first = predict([0]);
    await settleTurn();
    const others = values(10, 1).map((value) => predict([value]));
    await settleTurn();
    expect(pool.runs).toHaveLength(1);
    expect(queue.queuedRows).toBe(10);
    pool.running[0]?.finish();
    await first;
    expect(pool.running.map((run) => run.values)).toEqual([values(10, 1)]);
    expect(queue.queuedRows).toBe(0);
    pool.running[0]?.finish();
    for (const [at, answer] of others.entries()) expect((await answer).answers).toEqual(doubled([at + 1]));
  });

  it('does not make a single row wait behind a large request', async () => {
    const { pool, predict } = makeQueue();
    void predict(values(10_000));
    await settleTurn();
    const single = predict([-1]);
    pool.running[0]?.finish();
    await settleTurn();
    expect(pool.running[0]?.values).toContain(-1);
    pool.running[0]?.finish();
    expect((await single).answers).toEqual(doubled([-1]));
  });

  it('tells when the lanes have enough for a while, and when that may have ended', async () => {
    const { pool, predict, queue } = makeQueue();
    const seen: boolean[] = [];
    queue.onRoom(() => seen.push(queue.isFull));
    void predict(values(5000));
    await settleTurn();
    // Only large requests count: those that nobody holds back must not keep them out.
    expect([queue.isFull, seen]).toEqual([false, []]);
    const answer = predict(values(5000), { isLarge: true });
    await settleTurn();
    expect([queue.isFull, seen]).toEqual([true, []]);
    pool.onRun = (run) => setImmediate(() => run.finish());
    pool.running[0]?.finish();
    await answer;
    expect(queue.isFull).toBe(false);
    expect(seen.length).toBeGreaterThan(10);
    expect(new Set(seen)).toEqual(new Set([false]));
  });

  it('tells it, too, when what waited is given up', async () => {
    const { predict, queue } = makeQueue();
    let told = 0;
    queue.onRoom(() => told++);
    const gone = new AbortController();
    const abandoned = predict(values(5000), { signal: gone.signal, isLarge: true });
    expect(queue.isFull).toBe(true);
    gone.abort();
    await expect(abandoned).rejects.toMatchObject({ code: 'request_timeout' });
    expect([queue.isFull, told]).toEqual([false, 1]);
  });

  it('uses every lane for a large request, and puts the answers back in order', async () => {
    const { pool, predict } = makeQueue({ lanes: 3 });
    const given = values(1000);
    const answer = predict(given);
    await settleTurn();
    expect(pool.running.map(({ lane }) => lane)).toEqual([0, 1, 2]);
    // The last lane is the fastest.
    pool.onRun = (run) => setImmediate(() => run.finish());
    for (const run of [...pool.running].reverse()) run.finish();
    expect((await answer).answers).toEqual(doubled(given));
  });

  it('shares what waits between idle lanes, but splits no small batch', async () => {
    const split = makeQueue({ lanes: 2 });
    void split.predict(values(100));
    await settleTurn();
    expect(split.pool.running.map((run) => run.values.length)).toEqual([50, 50]);
    const whole = makeQueue({ lanes: 2 });
    void whole.predict(values(32));
    await settleTurn();
    expect(whole.pool.running.map((run) => run.values.length)).toEqual([32]);
  });

  it('gives a batch to a lane that has come back', async () => {
    const { pool, predict } = makeQueue();
    pool.lose(0);
    const answer = predict([3]);
    await settleTurn();
    expect(pool.runs).toEqual([]);
    pool.regain(0);
    pool.running[0]?.finish();
    expect((await answer).answers).toEqual(doubled([3]));
  });

  it('keeps the rows of two models apart', async () => {
    const other = tinyModel('other');
    const { pool, predict } = makeQueue({ lanes: 2 });
    const answers = [predict([1]), predict([2], {}, other)];
    await settleTurn();
    expect(pool.running.map(({ model, values: sent }) => [model.name, sent])).toEqual([
      ['tiny', [1]],
      ['other', [2]],
    ]);
    for (const run of pool.running) run.finish();
    expect((await Promise.all(answers)).map(({ answers: [value] }) => value)).toEqual([2, 4]);
  });

  it('answers a request without rows by itself', async () => {
    const { pool, predict } = makeQueue();
    expect((await predict([])).answers).toHaveLength(0);
    expect(pool.runs).toEqual([]);
  });

  it('tells where the time went, and what runs where', async () => {
    const { pool, predict, recorder } = makeQueue();
    const answers = [predict([1], { requestId: 'a' }), predict([2], { requestId: 'b' })];
    await settleTurn();
    expect(recorder.running.mock.calls).toEqual([[0, ['a', 'b']]]);
    pool.running[0]?.finish({ ok: true, seconds: 0.25 });
    const [scores] = await Promise.all(answers);
    expect(scores?.queueSeconds).toBeGreaterThanOrEqual(0);
    expect(scores?.runSeconds).toBeGreaterThanOrEqual(0);
    expect(recorder.batch.mock.calls).toEqual([[MODEL, 2, 0.25]]);
    expect(recorder.queued).toHaveBeenCalledTimes(2);
    expect(recorder.running.mock.lastCall).toEqual([0, []]);
  });
});
