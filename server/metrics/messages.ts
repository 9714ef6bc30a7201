import type { Load } from './load.ts';
import type { MetricObject, Snapshot } from './snapshot.ts';

export type MetricsFromProcess =
  /** The counts of the families whose names begin with the prefix. */
  | { readonly type: 'metrics'; readonly prefix: string; readonly metrics: Snapshot }
  /** A client of this process reads the server's load. */
  | { readonly type: 'watch' }
  /** POST requests of the process since its start, by bucket of latency. */
  | { readonly type: 'counts'; readonly counts: readonly number[] }
  /** Asks for the sum over all processes of the metrics whose names begin with the prefix. */
  | { readonly type: 'sums'; readonly question: number; readonly prefix: string };

export type MetricsToProcess =
  | { readonly type: 'sums'; readonly question: number; readonly metrics: readonly MetricObject[] }
  /** Requests the counts of the families whose names begin with the prefix. */
  | { readonly type: 'metrics'; readonly prefix: string }
  /** Requests the counts by bucket of latency. */
  | { readonly type: 'count' }
  /** The recent load of the whole server. */
  | { readonly type: 'load'; readonly load: Load };

/** Asks for the sums over all processes of the metrics whose names begin with the prefix. @throws {Problem} not_ready */
export type AskSums = (prefix: string) => Promise<readonly MetricObject[]>;
