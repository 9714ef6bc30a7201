import type { MetricObject } from './metrics/aggregate.ts';
import type { Load } from './metrics/load.ts';

/** What a server process tells the primary. */
export type FromProcess =
  /** It listens, and every thread has verified every model. */
  | { readonly type: 'ready' }
  /** It can never become ready with this repository or configuration: trying again is no use. */
  | { readonly type: 'refused'; readonly reason: string }
  | { readonly type: 'metrics'; readonly metrics: readonly MetricObject[] }
  /** Somebody looks at the server's load. */
  | { readonly type: 'watch' }
  /** Its POST requests since its start, by bucket of latency. */
  | { readonly type: 'counts'; readonly counts: readonly number[] };

/** What the primary tells a server process. */
export type ToProcess =
  /** All processes have been ready once: from now on the server is. */
  | { readonly type: 'serving' }
  /** Answer "not ready" from now on, but go on predicting. */
  | { readonly type: 'lame' }
  /** Stop accepting, finish, exit. */
  | { readonly type: 'drain' }
  | { readonly type: 'metrics' }
  /** Send the counts by bucket of latency. */
  | { readonly type: 'count' }
  /** The load of the whole server, a moment ago. */
  | { readonly type: 'load'; readonly load: Load };
