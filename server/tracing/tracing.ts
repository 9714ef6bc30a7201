import type { TraceContext } from './traceContext.ts';

/** A part of a request's time. Times are milliseconds of performance.now(). */
export interface Phase {
  readonly name: 'turn' | 'parse' | 'queue' | 'run';
  readonly start: number;
  readonly end: number;
  readonly model: string;
  readonly rows?: number;
  /** The code of the error that ended it. */
  readonly fault?: string;
}

/** A request's place in its trace. */
export interface RequestTrace {
  readonly traceId: string;
  /** The answer's `traceresponse`. */
  readonly response: string;
  /** Whether it is recorded; what happens within other requests needn't be told. */
  readonly sampled: boolean;
  phase(phase: Phase): void;
  end(status: number, requestId: string): void;
}

/** Records requests as spans, and sends them to a collector beside the requests' path. Nothing here ever throws. */
export interface Tracing {
  /**
   * @param route the route's pattern
   * @param caller where the request stands in its caller's trace
   */
  begin(method: string, route: string | undefined, caller: TraceContext | undefined): RequestTrace;
  /** Sends what there is, within its time. */
  close(): Promise<void>;
}
