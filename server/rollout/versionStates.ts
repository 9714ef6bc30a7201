import type { VersionState } from '../model/catalogue.ts';
import type { Candidate, Listing } from '../repository/listing.ts';
import { byNameAndVersion, keyOf } from '../repository/listing.ts';
import type { Plan, Refusals, Wishes } from './plan.ts';

/** The facts from which the states of versions follow. */
export interface Knowledge {
  readonly listing: Listing;
  readonly current: Plan;
  readonly refusals: Refusals;
  readonly loading: Candidate | undefined;
  readonly wishes: Wishes;
  /** Whether a request keeps a version closed. */
  readonly isClosed?: (candidate: Candidate) => boolean;
}

const UNLOADED = 'it was unloaded by request';

/** The state of every version that the repository holds or that is still open, by name, then by version. */
export function describeVersions(knowledge: Knowledge): VersionState[] {
  const { listing, current, refusals, loading, wishes, isClosed } = knowledge;
  const openById = new Map(current.open.map((candidate) => [candidate.id, candidate]));
  const listed = new Set(listing.candidates.map(({ id }) => id));
  const describe = (candidate: Candidate): VersionState => {
    const { name, version, id } = candidate;
    const key = keyOf(candidate);
    const open = openById.get(id);
    const refusal = refusals.get(key);
    const own = { name, version, served: open !== undefined && current.served.has(keyOf(open)) };
    if (open) {
      // An earlier content of the same version may be open.
      return {
        ...own,
        state: 'ready',
        ...(refusal === undefined ? {} : { reason: `not replaced: ${refusal}` }),
      };
    }
    if (loading?.id === id) return { ...own, state: 'loading' };
    if (isClosed?.(candidate)) return { ...own, state: 'closed', reason: UNLOADED };
    if (refusal !== undefined) return { ...own, state: 'refused', reason: refusal };
    const missing = current.missing.get(name)?.message;
    return {
      ...own,
      state: 'closed',
      reason: missing ?? `OPEN_VERSIONS is ${wishes.openVersions}, and newer ones are there`,
    };
  };
  const leaving = current.open
    .filter(({ id }) => !listed.has(id))
    .map((candidate): VersionState => {
      const { name, version } = candidate;
      return { name, version, served: current.served.has(keyOf(candidate)), state: 'leaving' };
    });
  return [...listing.candidates.map(describe), ...leaving].sort(byNameAndVersion);
}
