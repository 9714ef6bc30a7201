import type { ApiKey } from './access/keys.ts';
import type { MetricsFromProcess, MetricsToProcess } from './metrics/messages.ts';
import type { DriftFromProcess, DriftToProcess } from './observers/drift/messages.ts';
import type { RolloutFromProcess, RolloutToProcess } from './rollout/messages.ts';

/** Messages of a server process to the primary. Each room declares its own; here are those of the life cycle. */
export type FromProcess =
  /** The process receives messages from now on; earlier messages are lost. */
  | { readonly type: 'started' }
  /** The process listens, and every thread has verified every version of its served set. */
  | { readonly type: 'ready' }
  /** At each beat: the event loop turns; ready: the last self-test of every served model was right. */
  | { readonly type: 'alive'; readonly ready: boolean }
  | RolloutFromProcess
  | MetricsFromProcess
  | DriftFromProcess;

/** Messages of the primary to a server process. */
export type ToProcess =
  /** The API keys in force; sent before the first version is to be served. */
  | { readonly type: 'keys'; readonly keys: readonly ApiKey[] }
  /** All processes have been ready once, so the server is. */
  | { readonly type: 'serving' }
  /** Report "not ready" from now on, and go on predicting: the server is about to end. */
  | { readonly type: 'lameDuck' }
  /** Stop accepting, finish, exit. */
  | { readonly type: 'drain' }
  | RolloutToProcess
  | MetricsToProcess
  | DriftToProcess;
