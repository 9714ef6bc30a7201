import type { Candidate } from '../repository/listing.ts';
import { keyOf } from '../repository/listing.ts';
import type { Refusals } from './plan.ts';

/** Processes that may die while they open a version, before it is refused. */
const MAX_DEATHS = 2;

/**
 * `served`: it was served before, so it may be good again. `not fetched`: there may be room for it later. `files`: its
 * files are there and bad. `deaths`: processes died of it, and another try would end one more.
 */
export type RefusalCause = 'served' | 'not fetched' | 'files' | 'deaths';

/** Why versions can't be served. What is known of one content of a version says nothing about the next. */
export interface RefusedVersions {
  readonly reasons: Refusals;
  /** @returns first: of this content; transient: it is worth another try */
  refuse(
    candidate: Candidate,
    reason: string,
    cause: RefusalCause,
  ): { readonly first: boolean; readonly transient: boolean };
  /** A process died while it opened a version. @returns whether too many have */
  countDeath(candidate: Candidate): boolean;
  opened(candidate: Candidate): void;
  /** Allows another try of the versions that are worth one. */
  retryTransient(): void;
  /** Allows another try of all versions. */
  retryAll(): void;
  /** Allows another try of all versions of a model. */
  retryModel(name: string): void;
  /** Forgets all keys but these. */
  forget(known: ReadonlySet<string>): void;
}

export function createRefusedVersions(): RefusedVersions {
  const reasons = new Map<string, string>();
  const deaths = new Map<string, number>();
  const failed = new Set<string>();
  /** Keys of refused versions that are worth another try. */
  const transient = new Map<string, 'served' | 'not fetched'>();
  const markTransient = (key: string, cause: RefusalCause): void => {
    if (cause === 'deaths') transient.delete(key);
    else if (cause === 'served') transient.set(key, cause);
    // A version that was served before stays worth another try, for any later fault.
    else if (transient.get(key) === 'served') return;
    else if (cause === 'not fetched') transient.set(key, cause);
    else transient.delete(key);
  };
  return {
    reasons,
    refuse: (candidate, reason, cause) => {
      const key = keyOf(candidate);
      markTransient(key, cause);
      reasons.set(key, reason);
      const first = !failed.has(key);
      failed.add(key);
      return { first, transient: transient.has(key) };
    },
    countDeath: (candidate) => {
      const key = keyOf(candidate);
      const count = (deaths.get(key) ?? 0) + 1;
      deaths.set(key, count);
      return count >= MAX_DEATHS;
    },
    opened: (candidate) => void transient.delete(keyOf(candidate)),
    retryTransient: () => {
      for (const key of transient.keys()) reasons.delete(key);
    },
    retryAll: () => {
      reasons.clear();
      deaths.clear();
    },
    retryModel: (name) => {
      for (const facts of [reasons, deaths])
        for (const key of facts.keys()) if (key.startsWith(`${name}/`)) facts.delete(key);
    },
    forget: (known) => {
      for (const facts of [reasons, deaths, failed, transient])
        for (const key of facts.keys()) if (!known.has(key)) facts.delete(key);
    },
  };
}
