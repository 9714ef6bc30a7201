import { getEventListeners } from 'node:events';
import { describe, expect, it } from 'vitest';
import { OK } from '../testing/fakePool.ts';
import { withDeadline } from '../testing/withDeadline.ts';
import { doubled, makeQueue, settleTurn, values } from '../testing/withQueue.ts';

describe('the queue at its limit', () => {
  it('refuses a request beyond its bound, and accepts it once rows have left', async () => {
    const { pool, predict } = makeQueue({ maxQueuedRows: 10 });
    void predict([0]);
    await settleTurn();
    void predict(values(10));
    await expect(predict([1])).rejects.toMatchObject({ code: 'overloaded' });
    pool.running[0]?.finish();
    await settleTurn();
    const answer = predict([1]);
    pool.running[0]?.finish();
    await settleTurn();
    pool.running[0]?.finish();
    expect((await answer).answers).toEqual(doubled([1]));
  });

  it('accepts a request above its bound while nothing waits', async () => {
    const { pool, predict } = makeQueue({ maxQueuedRows: 10 });
    pool.onRun = (run) => setImmediate(() => run.finish());
    expect((await predict(values(1000))).answers).toEqual(doubled(values(1000)));
  });
});

describe('the deadline', () => {
  it('ends a request that waits, which then costs no thread', async () => {
    const { pool, predict, queue } = makeQueue({ deadlineMs: 30 });
    const running = predict([1]);
    await settleTurn();
    const waiting = predict([2]);
    for (const answer of [running, waiting]) {
      await expect(withDeadline('the deadline', answer)).rejects.toMatchObject({ code: 'deadline_exceeded' });
    }
    expect(queue.queuedRows).toBe(0);
    pool.running[0]?.finish();
    await settleTurn();
    expect(pool.runs.map((run) => run.values)).toEqual([[1]]);
  });

  it('counts the time that a request waited to be decoded', async () => {
    const { predict } = makeQueue({ deadlineMs: 60_000 });
    await settleTurn();
    await expect(withDeadline('the deadline', predict([1], { waitedMs: 59_990 }))).rejects.toMatchObject({
      code: 'deadline_exceeded',
    });
  });

  it('drops the late result, and the lane runs the next request', async () => {
    const { pool, predict, recorder } = makeQueue({ deadlineMs: 30 });
    await expect(withDeadline('the deadline', predict([1]))).rejects.toMatchObject({
      code: 'deadline_exceeded',
    });
    const next = predict([2]);
    pool.running[0]?.finish();
    await settleTurn();
    pool.running[0]?.finish();
    expect((await next).answers).toEqual(doubled([2]));
    expect(recorder.queued).toHaveBeenCalledTimes(1);
  });

  it('removes the rest of a large request from the queue', async () => {
    const { pool, predict, queue } = makeQueue({ deadlineMs: 30 });
    const answer = predict(values(1000));
    await expect(withDeadline('the deadline', answer)).rejects.toMatchObject({ code: 'deadline_exceeded' });
    expect(queue.queuedRows).toBe(0);
    pool.running[0]?.finish();
    await settleTurn();
    expect(pool.runs).toHaveLength(1);
  });
});

describe('a caller that disconnected', () => {
  it('before its request came: the request is refused', async () => {
    const { predict, queue } = makeQueue();
    await expect(predict([1], { signal: AbortSignal.abort() })).rejects.toMatchObject({
      code: 'request_timeout',
    });
    expect(queue.queuedRows).toBe(0);
  });

  it('later: its rows leave the queue', async () => {
    const { pool, predict, queue } = makeQueue();
    const first = predict([0]);
    await settleTurn();
    const gone = new AbortController();
    const abandoned = predict(values(1000), { signal: gone.signal });
    const next = predict([1]);
    expect(queue.queuedRows).toBe(1001);
    gone.abort();
    await expect(abandoned).rejects.toMatchObject({ code: 'request_timeout' });
    expect(queue.queuedRows).toBe(1);
    pool.running[0]?.finish();
    await first;
    expect(pool.running[0]?.values).toEqual([1]);
    pool.running[0]?.finish();
    await next;
  });
});

describe('a caller that stays', () => {
  it('keeps no listener on its signal, which may serve many requests', async () => {
    const { pool, predict } = makeQueue();
    pool.onRun = (run) => setImmediate(() => run.finish());
    const { signal } = new AbortController();
    for (let request = 0; request < 3; request++) await predict([request], { signal });
    expect(getEventListeners(signal, 'abort')).toEqual([]);
  });
});

describe('closing', () => {
  it('answers queued requests, refuses new ones, then ends the threads', async () => {
    const { pool, predict, queue } = makeQueue();
    const answer = predict([1]);
    const closed = queue.close();
    await expect(predict([2])).rejects.toMatchObject({ code: 'draining' });
    await settleTurn();
    expect(pool.closed).toBe(false);
    pool.running[0]?.finish();
    expect((await answer).answers).toEqual(doubled([1]));
    await withDeadline('the end of the queue', closed);
    expect(pool.closed).toBe(true);
  });

  it('ends at once when the queue is empty', async () => {
    const { pool, queue } = makeQueue();
    await withDeadline('the end of the queue', queue.close());
    expect(pool.closed).toBe(true);
  });

  it('does not end a thread that still runs a batch whose requests have ended', async () => {
    const { pool, predict, queue } = makeQueue({ deadlineMs: 20 });
    await expect(withDeadline('the deadline', predict([1]))).rejects.toMatchObject({
      code: 'deadline_exceeded',
    });
    const closed = queue.close();
    await settleTurn();
    expect(pool.closed).toBe(false);
    pool.running[0]?.finish(OK);
    await withDeadline('the end of the queue', closed);
    expect(pool.closed).toBe(true);
  });
});
