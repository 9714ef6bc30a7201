import type { Candidate } from '../repository/listing.ts';
import { keyOf } from '../repository/listing.ts';
import type { Refusals } from './plan.ts';

/** Processes that a version may take with it while they open it, before it is refused. */
const MAX_DEATHS = 2;

/** Why versions can't be served; what is known of one content of a version says nothing about the next. */
export interface RefusedVersions {
  readonly reasons: Refusals;
  /** @returns whether it is the first failure of this content */
  refuse(candidate: Candidate, reason: string): boolean;
  /** A process died while it opened a version: that may be chance once, not twice. */
  isKiller(candidate: Candidate): boolean;
  /** It was served before, or couldn't be fetched, so that it is worth another try; until it is open. */
  mayPass(candidate: Candidate, why: 'served' | 'not fetched'): void;
  /** Its files are there, so what is wrong is in them: only one that was served before is worth another try. */
  isThere(candidate: Candidate): void;
  /** It isn't worth one, whatever it was. */
  mayNotPass(candidate: Candidate): void;
  isPassing(candidate: Candidate): boolean;
  opened(candidate: Candidate): void;
  /** Those may be tried again. */
  retryPassing(): void;
  /** All may. */
  retryAll(): void;
  /** Lets go of all keys but these. */
  forget(known: ReadonlySet<string>): void;
}

export function createRefusedVersions(): RefusedVersions {
  const reasons = new Map<string, string>();
  const deaths = new Map<string, number>();
  const failed = new Set<string>();
  const passing = new Map<string, 'served' | 'not fetched'>();
  return {
    reasons,
    refuse: (candidate, reason) => {
      const key = keyOf(candidate);
      reasons.set(key, reason);
      const first = !failed.has(key);
      failed.add(key);
      return first;
    },
    isKiller: (candidate) => {
      const key = keyOf(candidate);
      const count = (deaths.get(key) ?? 0) + 1;
      deaths.set(key, count);
      return count >= MAX_DEATHS;
    },
    mayPass: (candidate, why) => {
      const key = keyOf(candidate);
      if (passing.get(key) !== 'served') passing.set(key, why);
    },
    isThere: (candidate) => {
      const key = keyOf(candidate);
      if (passing.get(key) === 'not fetched') passing.delete(key);
    },
    mayNotPass: (candidate) => void passing.delete(keyOf(candidate)),
    isPassing: (candidate) => passing.has(keyOf(candidate)),
    opened: (candidate) => void passing.delete(keyOf(candidate)),
    retryPassing: () => {
      for (const key of passing.keys()) reasons.delete(key);
    },
    retryAll: () => {
      reasons.clear();
      deaths.clear();
    },
    forget: (known) => {
      for (const facts of [reasons, deaths, failed, passing])
        for (const key of facts.keys()) if (!known.has(key)) facts.delete(key);
    },
  };
}
