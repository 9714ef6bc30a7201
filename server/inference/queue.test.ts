import { describe, expect, it } from 'vitest';
import { FAULT } from '../testing/fakePool.ts';
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

  it('gathers requests while all lanes are busy, and sends them together', async () => {
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

  it('reports when the lanes have enough for a while, and when that may have ended', async () => {
    const { pool, predict, queue } = makeQueue();
    const seen: boolean[] = [];
    queue.backlog.onRoom(() => seen.push(queue.backlog.isFull));
    void predict(values(5000));
    await settleTurn();
    // Only large requests count: small ones, which are never held back, must not keep them out.
    expect([queue.backlog.isFull, seen]).toEqual([false, []]);
    const answer = predict(values(5000), { isLarge: true });
    await settleTurn();
    expect([queue.backlog.isFull, seen]).toEqual([true, []]);
    pool.onRun = (run) => setImmediate(() => run.finish());
    pool.running[0]?.finish();
    await answer;
    expect(queue.backlog.isFull).toBe(false);
    expect(seen.length).toBeGreaterThan(10);
    expect(new Set(seen)).toEqual(new Set([false]));
  });

  it('reports it, too, when a request leaves the queue unanswered', async () => {
    const { predict, queue } = makeQueue();
    let reported = 0;
    queue.backlog.onRoom(() => reported++);
    const gone = new AbortController();
    const abandoned = predict(values(5000), { signal: gone.signal, isLarge: true });
    expect(queue.backlog.isFull).toBe(true);
    gone.abort();
    await expect(abandoned).rejects.toMatchObject({ code: 'request_timeout' });
    expect([queue.backlog.isFull, reported]).toEqual([false, 1]);
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

  it('shares the queued rows between idle lanes, but splits no small batch', async () => {
    const split = makeQueue({ lanes: 2 });
    void split.predict(values(100));
    await settleTurn();
    expect(split.pool.running.map((run) => run.values.length)).toEqual([50, 50]);
    const whole = makeQueue({ lanes: 2 });
    void whole.predict(values(32));
    await settleTurn();
    expect(whole.pool.running.map((run) => run.values.length)).toEqual([32]);
  });

  it('sends a batch to a lane whose thread was replaced', async () => {
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

  it('records where the time went, and what runs where', async () => {
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

  it('batches the questions of the self-test by themselves, and records nothing of them', async () => {
    const { pool, predict, recorder } = makeQueue();
    const answers = [predict([1]), predict([2], { uncounted: true }), predict([3])];
    pool.onRun = (run) => setImmediate(() => run.finish());
    expect((await Promise.all(answers)).map(({ answers: [value] }) => value)).toEqual([2, 4, 6]);
    expect(pool.runs.map((run) => run.values)).toEqual([[1], [2], [3]]);
    expect(recorder.batch.mock.calls.map(([, rows]) => rows)).toEqual([1, 1]);
    expect(recorder.queued).toHaveBeenCalledTimes(2);
    expect(recorder.running.mock.calls.flatMap(([, ids]) => ids)).toEqual(['id-0', 'id-2']);
  });

  it('names no question of the self-test when its batch fails', async () => {
    const { pool, predict, recorder } = makeQueue();
    pool.onRun = (run) => setImmediate(() => run.finish(FAULT));
    const answers = [predict([1], { uncounted: true }), predict([2], { uncounted: true })];
    for (const answer of answers) await expect(answer).rejects.toMatchObject({ code: 'internal_error' });
    expect(recorder.fault.mock.calls).toEqual([[MODEL, FAULT, []]]);
  });
});
