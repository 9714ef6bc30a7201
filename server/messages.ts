import type { ApiKey } from './access/keys.ts';
import type { MetricsFromProcess, MetricsToProcess } from './metrics/messages.ts';
import type { DriftFromProcess, DriftToProcess } from './observers/drift/messages.ts';
import type { RolloutFromProcess, RolloutToProcess } from './rollout/messages.ts';

/** What a server process sends to the primary. Each room declares its own messages; here are those of the life cycle. */
export type FromProcess =
  /** The process receives messages from now on; earlier ones are lost. */
  | { readonly type: 'started' }
  /** The process listens, and every thread has verified every version of its served set. */
  | { readonly type: 'ready' }
  /** The event loop turns; ready: the last self-test of every served model was right. */
  | { readonly type: 'pong'; readonly ready: boolean }
  | RolloutFromProcess
  | MetricsFromProcess
  | DriftFromProcess;

/** What the primary sends to a server process. */
export type ToProcess =
  /** The API keys in force; sent before the first version is to be served. */
  | { readonly type: 'keys'; readonly keys: readonly ApiKey[] }
  /** All processes have been ready once, so the server is. */
  | { readonly type: 'serving' }
  /** Report "not ready" from now on, and go on predicting. */
  | { readonly type: 'lame' }
  /** Stop accepting, finish, exit. */
  | { readonly type: 'drain' }
  /** Heartbeat: the event loop itself replies with `pong`. */
  | { readonly type: 'ping' }
  | RolloutToProcess
  | MetricsToProcess
  | DriftToProcess;
