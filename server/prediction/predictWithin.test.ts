import { expect, it } from 'vitest';
import { tinyModel } from '../testing/tinyModel.ts';
import { withDeadline } from '../testing/withDeadline.ts';
import { predictWithin } from './predictWithin.ts';
import type { Decoded, Predictor } from './predictor.ts';
import type { PredictRequest } from './request.ts';

const decoded: Decoded = { table: { columns: [], data: [] } };
const requestAt = (arrived: number): PredictRequest => ({
  id: 'a',
  arrived,
  size: 'small',
  trace: undefined,
  signal: () => new AbortController().signal,
});

/** A predictor that decodes, and never answers. @param signals gets the signal of its request */
const hanging =
  (signals: AbortSignal[] = []): Predictor['predict'] =>
  (request: PredictRequest, _: unknown, decode: () => unknown) => {
    signals.push(request.signal());
    decode();
    return new Promise(() => {});
  };

const predict = (predictor: Predictor['predict'], timeoutMs: number | undefined, arrived: number) =>
  withDeadline(
    'the end',
    predictWithin({ predict: predictor }, requestAt(arrived), tinyModel(), () => decoded, {
      timeoutMsOf: () => timeoutMs,
    }),
  );

it('ends with the time that the client gave, and aborts what waits', async () => {
  const signals: AbortSignal[] = [];
  await expect(predict(hanging(signals), 20, performance.now())).rejects.toMatchObject({
    code: 'deadline_exceeded',
  });
  expect(signals.map(({ aborted }) => aborted)).toEqual([true]);
});

it('does not begin where that time is over', async () => {
  const never = ((_: unknown, __: unknown, decode: () => unknown) => (decode(), 'answer')) as unknown;
  await expect(predict(never as Predictor['predict'], 5, performance.now() - 10)).rejects.toMatchObject({
    status: 504,
  });
});

it('passes on an answer that comes in time', async () => {
  const answer = ((_: unknown, __: unknown, decode: () => unknown) => ({ decoded: decode() })) as unknown;
  for (const timeoutMs of [undefined, 10_000])
    expect(await predict(answer as Predictor['predict'], timeoutMs, performance.now())).toEqual({ decoded });
});
