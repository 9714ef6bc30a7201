import type { State, VersionState } from '../../model/catalogue.ts';

/** A version in the repository index. */
export interface V2IndexEntry {
  readonly name: string;
  readonly version: string;
  readonly state: 'READY' | 'UNAVAILABLE' | 'LOADING';
  readonly reason: string;
}

/** Triton's names of the states. A version that is leaving still answers. */
const STATES: Readonly<Record<State, V2IndexEntry['state']>> = {
  ready: 'READY',
  leaving: 'READY',
  loading: 'LOADING',
  refused: 'UNAVAILABLE',
  closed: 'UNAVAILABLE',
};

/** The repository index. @param ready leaves out the versions that don't answer */
export const v2Index = (versions: readonly VersionState[], ready: boolean): V2IndexEntry[] =>
  versions
    .map(({ name, version, state, reason = '' }) => ({
      name,
      version: String(version),
      state: STATES[state],
      reason,
    }))
    .filter(({ state }) => !ready || state === 'READY');

export const writeV2Index = (versions: readonly VersionState[], ready: boolean): string =>
  JSON.stringify(v2Index(versions, ready));
