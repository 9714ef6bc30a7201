import type { Candidate } from '../repository/listing.ts';
import { keyOf } from '../repository/listing.ts';
import type { Holding, Holdings } from './holdings.ts';
import type { Refused } from './openings.ts';
import type { Planner } from './planner.ts';
import type { RefusalCause, RefusedVersions } from './refusedVersions.ts';
import type { Retry } from './retry.ts';
import type { RolloutLog } from './rolloutLog.ts';

/** The reason of a version that was refused because processes died. */
export const DEATHS = 'processes died while they opened it';

export interface FailuresOptions {
  readonly holdings: Holdings;
  readonly planner: Planner;
  readonly refused: RefusedVersions;
  readonly retry: Pick<Retry, 'schedule'>;
  readonly rolloutLog: RolloutLog;
  readonly onRefused: (model: string) => void;
}

/** What follows when a process can't open a version. */
export interface Failures {
  /** No process may serve the version. @returns the reason, which is not logged yet */
  refuse(candidate: Candidate, failure: Refused | 'died'): string;
  /** The process serves the other versions; this one is tried again later. */
  miss(holding: Holding, candidate: Candidate, reason: string): void;
  /** Refuses the versions in force that no process holds any more, so that the previous ones take over. */
  withdraw(): void;
}

export function createFailures(options: FailuresOptions): Failures {
  const { holdings, planner, refused, retry, rolloutLog, onRefused } = options;
  const causeOf = (candidate: Candidate, failure: Refused | 'died'): RefusalCause => {
    if (failure === 'died') return 'deaths';
    if (planner.isServed(candidate)) return 'served';
    return failure.fetched ? 'files' : 'not fetched';
  };
  const refuse: Failures['refuse'] = (candidate, failure) => {
    const reason = failure === 'died' ? DEATHS : failure.refusal;
    const { first, transient } = refused.refuse(candidate, reason, causeOf(candidate, failure));
    if (transient) retry.schedule();
    if (first) onRefused(candidate.name);
    return reason;
  };
  return {
    refuse,
    miss: ({ missing }, candidate, reason) => {
      missing.set(keyOf(candidate), reason);
      rolloutLog.missing(candidate, reason);
      onRefused(candidate.name);
      retry.schedule();
    },
    withdraw: () => {
      for (const one of planner.current?.open ?? []) {
        const refusal = holdings.missingReason(keyOf(one));
        if (refusal !== undefined && !holdings.isHeld(keyOf(one)))
          refuse(one, { opened: false, refusal, fetched: true });
      }
    },
  };
}
