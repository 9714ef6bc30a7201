import type { VersionState } from '../model/catalogue.ts';
import type { Candidate, Listing } from '../repository/listing.ts';
import { keyOf } from '../repository/listing.ts';
import type { Plan, Refusals, Wishes } from './plan.ts';
import { canStart, keepServing, makePlan, planStart } from './plan.ts';
import { describeVersions } from './versionStates.ts';

export interface PlannerOptions {
  readonly wishes: Wishes;
  /** Why versions can't be served; read at each plan. */
  readonly refusals: Refusals;
  /** Whether a process that serves has a version open. */
  readonly isHeld: (key: string) => boolean;
}

/** What the repository holds, and the plan in force. */
export interface Planner {
  /** The listing to plan for. */
  listing: Listing | undefined;
  /** The listing in force, which is behind `listing` while that one is brought to the processes. */
  applied: Listing | undefined;
  /** The plan in force. */
  current: Plan | undefined;
  /** The version that a process is opening. */
  loading: Candidate | undefined;
  /** All processes have been ready once. */
  begun: boolean;
  /**
   * The plan for what is listed. Models that are served and have nothing else to be served by are kept.
   *
   * @throws {ModelRefused} at the start, when a model is missing that the server can't begin without
   */
  make(): Plan;
  /** Whether the server could begin without this version. */
  canStartWithout(candidate: Candidate, reason: string): boolean;
  /** Whether a version is served since all processes were ready. */
  isServed(candidate: Candidate): boolean;
  states(): VersionState[];
}

export function createPlanner({ wishes, refusals, isHeld }: PlannerOptions): Planner {
  const listed = (): Listing => planner.listing as Listing;
  const planner: Planner = {
    listing: undefined,
    applied: undefined,
    current: undefined,
    loading: undefined,
    begun: false,
    make: () => {
      const { begun, current } = planner;
      const plan = makePlan(listed(), wishes, refusals);
      if (!begun || !current) return planStart(plan, listed(), wishes);
      const held = current.open.filter((one) => isHeld(keyOf(one)));
      const kept = keepServing(plan, { ...current, open: held }, listed(), refusals);
      return kept.open.length > 0 ? kept : planStart(plan, listed(), wishes);
    },
    canStartWithout: (candidate, reason) => {
      const without = new Map(refusals).set(keyOf(candidate), reason);
      return canStart(makePlan(listed(), wishes, without), listed(), wishes);
    },
    isServed: (candidate) =>
      planner.begun && (planner.current?.open ?? []).some((one) => keyOf(one) === keyOf(candidate)),
    states: () => {
      const { listing, current, loading } = planner;
      return listing && current ? describeVersions({ listing, current, refusals, loading, wishes }) : [];
    },
  };
  return planner;
}
