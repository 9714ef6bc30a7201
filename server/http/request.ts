import type { BodySize } from '../overload/decodeTurn.ts';
import type { PredictRequest } from '../prediction/request.ts';
import type { RequestTrace } from '../tracing/tracing.ts';
import type { AppContext } from './context.ts';
import { header } from './header.ts';

/** A body of this size holds some dozens of rows and is decoded in a fraction of a millisecond. */
export const MAX_SMALL_BYTES = 2048;

/** A request as predictions need it. One object a request: its getters cost nothing until they are used. */
export class HttpRequest implements PredictRequest {
  readonly id: string;
  readonly arrived: number;
  waitedSince: number | undefined = undefined;
  readonly #context: AppContext;

  constructor(context: AppContext, id: string, arrived: number) {
    this.id = id;
    this.arrived = arrived;
    this.#context = context;
  }

  /** A compressed body, or one without a length, may hold anything. */
  get size(): BodySize {
    const c = this.#context;
    return Number(header(c, 'content-length') ?? 0) <= MAX_SMALL_BYTES &&
      header(c, 'content-encoding') === undefined &&
      header(c, 'transfer-encoding') === undefined
      ? 'small'
      : 'large';
  }

  get trace(): RequestTrace | undefined {
    return this.#context.get('trace');
  }

  signal(): AbortSignal {
    return this.#context.req.raw.signal;
  }
}
