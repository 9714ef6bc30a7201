import type { BodySize } from '../overload/decodeTurn.ts';
import type { RequestTrace } from '../tracing/tracing.ts';

/** What a prediction needs of its caller. */
export interface PredictRequest {
  readonly id: string;
  /** When the request's head was read, in milliseconds of performance.now(). */
  readonly arrived: number;
  /** `arrived`, if it waited for a place: that time counts toward the deadline. */
  readonly waitedSince?: number | undefined;
  readonly size: BodySize;
  /** Aborted when the caller disconnects. Made at its first use: a lone row never needs it. */
  signal(): AbortSignal;
  /** Only where tracing is on. */
  readonly trace: RequestTrace | undefined;
}
