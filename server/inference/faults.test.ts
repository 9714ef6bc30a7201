import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Problem } from '../errors/problem.ts';
import type { Run } from '../testing/fakePool.ts';
import { FAULT } from '../testing/fakePool.ts';
import { tinyModel } from '../testing/tinyModel.ts';
import { withDeadline } from '../testing/withDeadline.ts';
import { MODEL, doubled, makeQueue, settleTurn, values } from '../testing/withQueue.ts';

/** A batch that holds it fails. */
const CULPRIT = -13;

const finishHonestly = (run: Run): void => run.finish(run.values.includes(CULPRIT) ? FAULT : undefined);

describe('a batch that fails', () => {
  it('is 500 for a request that was alone in it, with the cause for the log', async () => {
    const { pool, predict, recorder } = makeQueue();
    const answer = predict([CULPRIT], { requestId: 'guilty' });
    const refused = expect(answer).rejects.toMatchObject({
      code: 'internal_error',
      cause: new Error(`${MODEL.id}: run_failed: as the test wants`),
    });
    await settleTurn();
    pool.running.forEach(finishHonestly);
    await refused;
    // Its own error is logged elsewhere.
    expect(recorder.fault).not.toHaveBeenCalled();
    expect(recorder.batch).not.toHaveBeenCalled();
  });

  it('is tried again one by one, so that only the culprit gets 500', async () => {
    const { pool, predict, recorder } = makeQueue();
    pool.onRun = (run) => setImmediate(finishHonestly, run);
    const answers = [
      predict([1]),
      predict([2, CULPRIT], { requestId: 'guilty' }),
      predict([3]),
      predict(values(300, 10)),
    ];
    const results = await withDeadline('all answers', Promise.allSettled(answers));
    expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled', 'fulfilled']);
    expect((await answers[3])?.answers).toEqual(doubled(values(300, 10)));
    expect(recorder.fault.mock.calls).toEqual([[MODEL, FAULT, expect.arrayContaining(['guilty'])]]);
    for (const run of pool.runs.slice(1)) {
      expect(
        run.values.includes(CULPRIT) && run.values.some((value) => value !== CULPRIT && value !== 2),
      ).toBe(false);
    }
  });

  it('does not shed requests that were admitted before', async () => {
    const { pool, predict, queue } = makeQueue({ maxQueuedRows: 4 });
    const answers = [predict([1]), predict([2])];
    await settleTurn();
    const later = predict(values(4, 10));
    pool.running[0]?.finish(FAULT);
    pool.onRun = (run) => setImmediate(finishHonestly, run);
    await settleTurn();
    const results = await withDeadline('all answers', Promise.allSettled([...answers, later]));
    expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled', 'fulfilled']);
    expect(queue.queuedRows).toBe(0);
  });

  it('drops the answers of a second lane to a request that has restarted', async () => {
    const { pool, predict } = makeQueue({ lanes: 2 });
    const large = predict(values(100));
    const small = predict([-1]);
    await settleTurn();
    const [own, shared] = pool.running as [Run, Run];
    expect([own.values.includes(-1), shared.values.includes(-1)]).toEqual([false, true]);
    shared.finish(FAULT);
    await settleTurn();
    pool.onRun = (run) => setImmediate(() => run.finish());
    own.finish();
    for (const run of pool.running) run.finish();
    expect((await withDeadline('the large answer', large)).answers).toEqual(doubled(values(100)));
    expect((await withDeadline('the small answer', small)).answers).toEqual(doubled([-1]));
  });
});

describe('the queue', () => {
  it('settles every request, each with its own answers, whatever arrives, lags or fails', async () => {
    const models = [MODEL, tinyModel('other')];
    const request = fc.record({
      rows: fc.oneof(
        { weight: 3, arbitrary: fc.integer({ min: 1, max: 5 }) },
        fc.integer({ min: 1, max: 700 }),
      ),
      model: fc.nat(1),
      culprit: fc.integer({ min: 0, max: 9 }).map((chance) => chance === 0),
      turnsBefore: fc.nat(3),
    });
    const world = fc.record({
      requests: fc.array(request, { minLength: 1, maxLength: 25 }),
      lanes: fc.integer({ min: 1, max: 4 }),
      speeds: fc.array(fc.nat(4), { minLength: 1, maxLength: 6 }),
      deathTurns: fc.nat(3),
    });
    const laterBy = (turns: number, act: () => void): void =>
      void (turns <= 0 ? act() : setImmediate(() => laterBy(turns - 1, act)));

    await fc.assert(
      fc.asyncProperty(world, async ({ requests, lanes, speeds, deathTurns }) => {
        const { pool, predict, queue } = makeQueue({ lanes });
        pool.onRun = (run) => {
          const dies = run.values.includes(CULPRIT) && deathTurns > 0;
          laterBy(1 + (speeds[pool.runs.length % speeds.length] as number), () => {
            if (dies) pool.lose(run.lane);
            finishHonestly(run);
            if (dies) laterBy(deathTurns, () => pool.regain(run.lane));
          });
        };
        const answers: Promise<unknown>[] = [];
        for (const [number, { rows, model, culprit, turnsBefore }] of requests.entries()) {
          await new Promise<void>((resolve) => laterBy(turnsBefore, resolve));
          const given = values(rows, number * 1000);
          if (culprit) given[rows - 1] = CULPRIT;
          const answer = predict(given, {}, models[model]).then(
            ({ answers: got }) => expect(culprit ? 'an answer to the culprit' : got).toEqual(doubled(given)),
            (error: unknown) => {
              expect(error).toBeInstanceOf(Problem);
              expect([culprit, (error as Problem).code]).toEqual([true, 'internal_error']);
            },
          );
          answers.push(answer);
        }
        await withDeadline('every request is settled', Promise.all(answers));
        expect(queue.queuedRows).toBe(0);
        await withDeadline('the queue closes', queue.close());
      }),
      { numRuns: 150 },
    );
  });
});
