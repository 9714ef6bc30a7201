import type { Profile } from './profile.ts';
import type { DriftReport } from './report.ts';

export type DriftFromProcess =
  /** How the process counts the rows of each open version; its counts follow. */
  | { readonly type: 'observing'; readonly profiles: readonly Profile[] }
  /** Counts since the version was opened, for versions with new rows: by key, [profile.width]. */
  | {
      readonly type: 'observed';
      readonly counts: readonly (readonly [key: string, counts: readonly number[]])[];
    }
  /** Asks for the report of one version, by its key. */
  | { readonly type: 'drift'; readonly question: number; readonly key: string };

export type DriftToProcess = {
  readonly type: 'drift';
  readonly question: number;
  readonly report: DriftReport | undefined;
};

/**
 * Asks how the rows of a version, by its key, differ from its training data; undefined when they aren't counted.
 *
 * @throws {Problem} not_ready
 */
export type AskDrift = (key: string) => Promise<DriftReport | undefined>;
