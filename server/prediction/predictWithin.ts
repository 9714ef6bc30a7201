import { Problem } from '../errors/problem.ts';
import type { Model } from '../model/model.ts';
import type { Decoded, Prediction, Predictor } from './predictor.ts';
import type { PredictRequest } from './request.ts';

/** A timer can't wait longer; the server's own deadline is sooner. */
const MOST_TIMER_MS = 2 ** 31;

/** The time that a client gives a request, from its arrival. */
export interface ClientTime<D> {
  /** Where it is known before the body is decoded. */
  readonly timeoutMs?: number | undefined;
  readonly timeoutMsOf?: (decoded: D) => number | undefined;
}

/**
 * Predicts within the time that the client gives, where it is shorter than the server's.
 *
 * @throws {Problem} deadline_exceeded, and as `predict`
 */
export async function predictWithin<D extends Decoded>(
  { predict }: Pick<Predictor, 'predict'>,
  request: PredictRequest,
  model: Model,
  decode: () => D,
  { timeoutMs: known, timeoutMsOf }: ClientTime<D>,
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
  const begin = (timeoutMs: number | undefined): void => {
    if (timeoutMs === undefined || timeoutMs >= MOST_TIMER_MS) return;
    const leftMs = request.arrived + timeoutMs - performance.now();
    if (leftMs <= 0) throw new Problem('deadline_exceeded');
    timer = setTimeout(expire, leftMs);
  };
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
    begin(timeoutMsOf?.(decoded));
    return decoded;
  };
  try {
    begin(known);
    return await Promise.race([predict(limited, model, decodeLimited, {}), expired]);
  } finally {
    clearTimeout(timer);
  }
}
