import type { Candidate } from './models/listing.ts';
import { keyOf } from './models/listing.ts';
import type { Refusals } from './models/plan.ts';

/** Processes that a version may take with it while they open it, before it is refused. */
const MAX_DEATHS = 2;

/** Why versions can't be served; what is known of one content of a version says nothing about the next. */
export interface RefusedVersions {
  readonly reasons: Refusals;
  /** @returns whether it is the first failure of this content */
  refuse(candidate: Candidate, reason: string): boolean;
  /** A process died while it opened a version: that may be chance once, not twice. */
  isKiller(candidate: Candidate): boolean;
  /** It was served before it was refused, so that it is worth another try; until it is open again. */
  turn(candidate: Candidate): void;
  hasTurned(candidate: Candidate): boolean;
  opened(candidate: Candidate): void;
  /** Versions that have turned may be tried again. */
  retryTurned(): void;
  /** All may. */
  retryAll(): void;
  /** Lets go of all keys but these. */
  forget(known: ReadonlySet<string>): void;
}

export function createRefusedVersions(): RefusedVersions {
  const reasons = new Map<string, string>();
  const deaths = new Map<string, number>();
  const failed = new Set<string>();
  const turned = new Set<string>();
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
    turn: (candidate) => void turned.add(keyOf(candidate)),
    hasTurned: (candidate) => turned.has(keyOf(candidate)),
    opened: (candidate) => void turned.delete(keyOf(candidate)),
    retryTurned: () => {
      for (const key of turned) reasons.delete(key);
    },
    retryAll: () => {
      reasons.clear();
      deaths.clear();
    },
    forget: (known) => {
      for (const facts of [reasons, deaths, failed, turned])
        for (const key of facts.keys()) if (!known.has(key)) facts.delete(key);
    },
  };
}
