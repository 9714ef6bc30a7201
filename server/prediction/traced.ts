import { Problem } from '../errors/problem.ts';
import type { Predict, Prediction } from './predictor.ts';
import type { Phase, RequestTrace } from '../tracing/tracing.ts';

function succeeded<P extends Prediction>(
  trace: RequestTrace,
  start: number,
  prediction: P,
  waitedMs: number,
): P {
  const model = prediction.model.id;
  const { rows } = prediction.rows;
  const parsed = start + prediction.parseSeconds * 1000;
  // The wait for the decode turn is a phase of its own.
  const taken = parsed + prediction.queueSeconds * 1000 - waitedMs;
  trace.phase({ name: 'parse', start, end: parsed, model, rows });
  trace.phase({ name: 'queue', start: parsed, end: taken, model, rows });
  trace.phase({ name: 'run', start: taken, end: taken + prediction.runSeconds * 1000, model, rows });
  return prediction;
}

function failed(trace: RequestTrace, phase: Omit<Phase, 'end' | 'fault'>, error: unknown): never {
  const fault = error instanceof Problem ? error.code : 'internal_error';
  trace.phase({ ...phase, end: performance.now(), fault });
  throw error;
}

/**
 * Reports a prediction's phases to its request's trace. Not those of a file, which has thousands of pieces. Used only
 * where tracing is on.
 */
export const tracedPredict =
  (predict: Predict): Predict =>
  (request, model, decode, options, since) => {
    const { trace } = request;
    if (!trace?.sampled) return predict(request, model, decode, options, since);
    const { id } = model;
    const start = performance.now();
    const waitedMs = since === undefined ? 0 : start - since;
    if (since !== undefined) trace.phase({ name: 'turn', start: since, end: start, model: id });
    let prediction: ReturnType<typeof predict<ReturnType<typeof decode>>>;
    try {
      prediction = predict(request, model, decode, options, since);
    } catch (error) {
      return failed(trace, { name: 'parse', start, model: id }, error);
    }
    if (!(prediction instanceof Promise)) return succeeded(trace, start, prediction, waitedMs);
    const parsed = performance.now();
    return prediction.then(
      (found) => succeeded(trace, start, found, waitedMs),
      (error: unknown) => {
        trace.phase({ name: 'parse', start, end: parsed, model: id });
        // Only a failed batch ends a request in its run; all other errors end it in the queue.
        const name = error instanceof Problem && error.code !== 'internal_error' ? 'queue' : 'run';
        return failed(trace, { name, start: parsed, model: id }, error);
      },
    );
  };
