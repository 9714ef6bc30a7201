import { Problem } from '../errors/problem.ts';
import type { Model } from '../model/model.ts';
import type { Decoded, Prediction, Predictor } from './predictor.ts';
import type { PredictRequest } from './request.ts';

/**
 * Predicts within the time that the client gives, where it is shorter than the server's. It is known once the body is
 * decoded, and counts from the request's arrival.
 *
 * @throws {Problem} deadline_exceeded, and as `predict`
 */
export async function predictWithin<D extends Decoded>(
  { predict }: Pick<Predictor, 'predict'>,
  request: PredictRequest,
  model: Model,
  decode: () => D,
  timeoutMsOf: (decoded: D) => number | undefined,
): Promise<Prediction<D>> {
  const controller = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  let expire = (): void => {};
  const expired = new Promise<never>((_, reject) => {
    expire = () => {
      reject(new Problem('deadline_exceeded'));
      // The rows of a large request leave the queue.
      controller.abort();
    };
  });
  const limited: PredictRequest = {
    id: request.id,
    arrived: request.arrived,
    size: request.size,
    trace: request.trace,
    waitedSince: request.waitedSince,
    signal: () => AbortSignal.any([request.signal(), controller.signal]),
  };
  const decodeLimited = (): D => {
    const decoded = decode();
    const timeoutMs = timeoutMsOf(decoded);
    // A timer can't wait longer; the server's own deadline is sooner.
    if (timeoutMs === undefined || timeoutMs >= 2 ** 31) return decoded;
    const leftMs = request.arrived + timeoutMs - performance.now();
    if (leftMs <= 0) throw new Problem('deadline_exceeded');
    timer = setTimeout(expire, leftMs);
    return decoded;
  };
  try {
    return await Promise.race([predict(limited, model, decodeLimited, {}), expired]);
  } finally {
    clearTimeout(timer);
  }
}
