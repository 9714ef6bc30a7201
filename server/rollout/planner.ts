import type { VersionState } from '../model/catalogue.ts';
import type { Candidate, Listing } from '../repository/listing.ts';
import { keyOf } from '../repository/listing.ts';
import type { Choices } from './choices.ts';
import type { Plan, Refusals, Wishes } from './plan.ts';
import { canStart, keepServing, makePlan, planStart } from './plan.ts';
import { describeVersions } from './versionStates.ts';

export interface PlannerOptions {
  readonly wishes: Wishes;
  /** What was loaded and unloaded by request; read at each plan. */
  readonly choices: Choices;
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

export function createPlanner({ wishes, choices, refusals, isHeld }: PlannerOptions): Planner {
  /** All versions, also those that a request keeps closed. */
  const complete = (): Listing => choices.complete(planner.listing as Listing);
  /** Those that may be open. */
  const listed = (): Listing => {
    const listing = complete();
    return { ...listing, candidates: listing.candidates.filter((one) => !choices.isClosed(one)) };
  };
  const wanted: Wishes = { ...wishes, named: choices.named, isAdded: choices.isAdded };
  /** An unloaded default model isn't replaced by the next one by name: clients would get answers of another model. */
  const keepDefault = (plan: Plan, { defaultModel }: Plan): Plan =>
    choices.isUnloaded(defaultModel) ? { ...plan, defaultModel } : plan;
  const planner: Planner = {
    listing: undefined,
    applied: undefined,
    current: undefined,
    loading: undefined,
    begun: false,
    make: () => {
      const { begun, current } = planner;
      const listing = listed();
      const plan = makePlan(listing, wanted, refusals);
      if (!begun || !current) return planStart(plan, listing, wanted);
      const open = current.open.filter((one) => isHeld(keyOf(one)) && !choices.isClosed(one));
      const kept = keepServing(keepDefault(plan, current), { ...current, open }, listing, refusals);
      const isEmptied = listing.candidates.length < complete().candidates.length;
      return kept.open.length > 0 || isEmptied ? kept : planStart(plan, listing, wanted);
    },
    canStartWithout: (candidate, reason) => {
      const without = new Map(refusals).set(keyOf(candidate), reason);
      return canStart(makePlan(listed(), wanted, without), listed(), wanted);
    },
    isServed: (candidate) =>
      planner.begun && (planner.current?.open ?? []).some((one) => keyOf(one) === keyOf(candidate)),
    states: () => {
      const { listing, current, loading } = planner;
      if (!listing || !current) return [];
      return describeVersions({
        listing: complete(),
        current,
        refusals,
        loading,
        wishes,
        isClosed: choices.isClosed,
      });
    },
  };
  return planner;
}
