import type { MetricObject } from './metrics/aggregate.ts';

/** What a server process tells the primary. */
export type FromProcess =
  /** It listens, and every thread has verified every model. */
  | { readonly type: 'ready' }
  /** It can never become ready with this repository or configuration: trying again is no use. */
  | { readonly type: 'refused'; readonly reason: string }
  | { readonly type: 'metrics'; readonly metrics: readonly MetricObject[] };

/** What the primary tells a server process. */
export type ToProcess =
  /** All processes have been ready once: from now on the server is. */
  | { readonly type: 'serving' }
  /** Answer "not ready" from now on, but go on predicting. */
  | { readonly type: 'lame' }
  /** Stop accepting, finish, exit. */
  | { readonly type: 'drain' }
  | { readonly type: 'metrics' };
