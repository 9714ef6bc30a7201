import type { ApiKey } from './access/keys.ts';
import type { Profile } from './observers/drift/profile.ts';
import type { DriftReport } from './observers/drift/report.ts';
import type { MetricObject } from './primary/metrics/aggregate.ts';
import type { Load } from './metrics/load.ts';
import type { Snapshot } from './metrics/snapshot.ts';
import type { VersionState } from './model/catalogue.ts';
import type { Candidate } from './repository/listing.ts';
import type { Engine } from './model/model.ts';

/** What all processes serve from a moment on. */
export interface ServedSet {
  /** Counts the sets. */
  readonly number: number;
  /** Name of the model that answers the routes which name none. */
  readonly standard: string;
  /** Keys of all versions that answer; whatever else is open is closed once its last request is answered. */
  readonly open: readonly string[];
  /** Those of them that answer where no version is named. */
  readonly served: readonly string[];
  readonly versions: readonly VersionState[];
}

/** What a server process tells the primary. */
export type FromProcess =
  /** It takes messages: those that were sent before are lost. */
  | { readonly type: 'started' }
  /** It listens, and every thread has verified every version that it was told to serve. */
  | { readonly type: 'ready' }
  /** Its counts, of the families whose names begin so. */
  | { readonly type: 'metrics'; readonly prefix: string; readonly metrics: Snapshot }
  /** Its event loop turns; ready: every model that it serves has lately answered as it should. */
  | { readonly type: 'pong'; readonly ready: boolean }
  /** Somebody looks at the server's load. */
  | { readonly type: 'watch' }
  /** Its POST requests since its start, by bucket of latency. */
  | { readonly type: 'counts'; readonly counts: readonly number[] }
  /** It serves the set of this number. */
  | { readonly type: 'swapped'; readonly number: number }
  /** What is the sum over all processes of the metrics whose names begin so? */
  | { readonly type: 'sums'; readonly question: number; readonly prefix: string }
  /** How it counts the rows of each version that it has open, whose counts it tells from now on. */
  | { readonly type: 'observing'; readonly profiles: readonly Profile[] }
  /** What it has counted since it opened them, of versions with new rows: by key, [profile.width]. */
  | {
      readonly type: 'observed';
      readonly counts: readonly (readonly [key: string, counts: readonly number[]])[];
    }
  /** How do the rows of this version, by its key, differ from its training data? */
  | { readonly type: 'drift'; readonly question: number; readonly key: string }
  /** Every thread has this version, by this path and as its files were then; or why not. */
  | {
      readonly type: 'opened';
      readonly key: string;
      readonly path: Engine['path'];
      readonly content: string;
    }
  | { readonly type: 'opened'; readonly key: string; readonly refusal: string };

/** What the primary tells a server process. */
export type ToProcess =
  /** Who is let in from now on; sent before the first version is to be served. */
  | { readonly type: 'keys'; readonly keys: readonly ApiKey[] }
  /** All processes have been ready once: from now on the server is. */
  | { readonly type: 'serving' }
  /** Answer "not ready" from now on, but go on predicting. */
  | { readonly type: 'lame' }
  /** Stop accepting, finish, exit. */
  | { readonly type: 'drain' }
  /** Open a version beside what is open, and say how it went; trusted: another process compares its faster path. */
  | { readonly type: 'open'; readonly candidate: Candidate; readonly trusted: boolean }
  /** Serve these, all of which are open. The first one begins to listen. */
  | { readonly type: 'serve'; readonly set: ServedSet }
  | { readonly type: 'sums'; readonly question: number; readonly metrics: readonly MetricObject[] }
  | { readonly type: 'drift'; readonly question: number; readonly report: DriftReport | undefined }
  /** What became of versions that don't answer. */
  | { readonly type: 'versions'; readonly versions: readonly VersionState[] }
  /** Answered by the event loop itself: that is what is asked about. */
  | { readonly type: 'ping' }
  /** Send the counts of the families whose names begin so. */
  | { readonly type: 'metrics'; readonly prefix: string }
  /** Send the counts by bucket of latency. */
  | { readonly type: 'count' }
  /** The load of the whole server, a moment ago. */
  | { readonly type: 'load'; readonly load: Load };
