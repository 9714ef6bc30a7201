import { Registry } from 'prom-client';
import { describe, expect, it } from 'vitest';
import { Problem } from '../errors/problem.ts';
import { createHttpRecorder } from '../metrics/http.ts';
import { createInferenceRecorder } from '../metrics/inference.ts';
import type { PredictRequest } from './request.ts';
import { createPredictor } from './predictor.ts';
import { createFakeInference } from '../testing/fakeInference.ts';
import { tinyModel } from '../testing/tinyModel.ts';
import { tracedPredict } from './traced.ts';
import type { Phase, RequestTrace } from '../tracing/tracing.ts';

const TABLE = { columns: ['x'], data: [[1]] };

/** More than a decode turn has, in milliseconds. */
const decodeSlowly = (): typeof TABLE => {
  const end = performance.now() + 20;
  while (performance.now() < end);
  return TABLE;
};

function start() {
  const registry = new Registry();
  const predictor = createPredictor({
    inference: createFakeInference(),
    http: createHttpRecorder(registry),
    recorder: createInferenceRecorder(registry, () => 0),
    patienceMs: 60_000,
    around: tracedPredict,
  });
  const model = tinyModel();
  /** Its phases, whether it succeeds or fails. */
  const predict = async (decode: () => typeof TABLE): Promise<Phase[]> => {
    const phases: Phase[] = [];
    const trace: RequestTrace = {
      traceId: '',
      response: '',
      sampled: true,
      phase: (phase) => phases.push(phase),
      end: () => {},
    };
    const request: PredictRequest = {
      id: 'id',
      arrived: performance.now(),
      size: 'large',
      signal: () => new AbortController().signal,
      trace,
    };
    await Promise.resolve(predictor.predict(request, model, () => ({ table: decode() }), {})).catch(
      () => undefined,
    );
    return phases;
  };
  return { predict };
}

describe('a request that waits for its decode turn', () => {
  it('has the wait as a phase before the others', async () => {
    const { predict } = start();
    const [first, second] = await Promise.all([predict(decodeSlowly), predict(decodeSlowly)]);
    expect(first.map(({ name }) => name)).toEqual(['parse', 'queue', 'run']);
    expect(second.map(({ name }) => name)).toEqual(['turn', 'parse', 'queue', 'run']);
    const [turn, parse] = second as [Phase, Phase];
    expect(turn.end).toBe(parse.start);
    expect(parse.start).toBeGreaterThanOrEqual(first[0]?.end as number);
    expect(parse.end - parse.start).toBeGreaterThanOrEqual(20);
  });

  it('fails in the phase that failed', async () => {
    const { predict } = start();
    const refuse = (): never => {
      throw new Problem('invalid_rows');
    };
    const [, second] = await Promise.all([predict(decodeSlowly), predict(refuse)]);
    expect(second.map(({ name, fault }) => [name, fault])).toEqual([
      ['turn', undefined],
      ['parse', 'invalid_rows'],
    ]);
  });
});
