import type { TraceContext } from './traceContext.ts';

/** A phase of a request. Times are milliseconds of performance.now(). */
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
  /** Whether it is recorded: phases of other requests needn't be reported. */
  readonly sampled: boolean;
  phase(phase: Phase): void;
  end(status: number, requestId: string): void;
}

/** Records requests as spans, and sends them to a collector, off the path. Never throws. */
export interface Tracing {
  /**
   * @param route the route's pattern
   * @param caller the request's place in its caller's trace
   */
  begin(method: string, route: string | undefined, caller: TraceContext | undefined): RequestTrace;
  /** Sends the remaining spans, as far as there is time. */
  close(): Promise<void>;
}
