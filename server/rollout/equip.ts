import { ModelRefused } from '../model/refused.ts';
import type { Candidate } from '../repository/listing.ts';
import { keyOf } from '../repository/listing.ts';
import type { Source } from '../repository/source.ts';
import type { Failures } from './failures.ts';
import { DEATHS } from './failures.ts';
import type { Holding, Holdings, Recipient } from './holdings.ts';
import { nextFor } from './holdings.ts';
import type { Openings, Refused } from './openings.ts';
import type { Plan } from './plan.ts';
import type { Planner } from './planner.ts';
import type { RefusedVersions } from './refusedVersions.ts';
import type { RolloutLog } from './rolloutLog.ts';

export interface EquipOptions {
  readonly source: Pick<Source, 'list'>;
  readonly holdings: Holdings;
  readonly openings: Openings;
  readonly planner: Planner;
  readonly refused: RefusedVersions;
  readonly rolloutLog: RolloutLog;
  readonly failures: Failures;
  readonly serve: (holding: Holding, plan: Plan) => Promise<void>;
  /** Brings the known listing to the processes again. @returns whether there is a plan for it */
  readonly applyAgain: () => Promise<boolean>;
}

export interface Equip {
  /** Lists the repository and has its versions compared, before the first process is there. Leaves faults to `equip`. */
  prepare(): Promise<void>;
  /** Brings a process that was just started to the versions that the others serve. @throws {ModelRefused} */
  equip(process: Recipient): Promise<void>;
}

export function createEquip(options: EquipOptions): Equip {
  const { source, holdings, openings, planner, refused, rolloutLog } = options;
  const { failures, serve, applyAgain } = options;
  let first: Promise<void> | undefined;

  const listFirst = async (): Promise<void> => {
    planner.listing = planner.applied = await source.list();
    rolloutLog.strays(planner.listing);
    planner.current = planner.make();
    rolloutLog.notServed(planner.current);
  };
  /** Processes that start together list the repository once. */
  const listOnce = (): Promise<void> => (first ??= listFirst());
  /**
   * Refuses a version for all processes: at the start also for those that have it, before this process goes on to what
   * is served instead.
   *
   * @throws {ModelRefused} at the start, when the server can't begin without it
   */
  const refuseForAll = async (candidate: Candidate, failure: Refused | 'died'): Promise<void> => {
    const reason = failures.refuse(candidate, failure);
    // If this throws, the other processes find no plan either, and only that error is logged.
    if (!planner.begun) planner.current = undefined;
    planner.current = planner.make();
    rolloutLog.refused(candidate, reason);
    if (!planner.begun && holdings.equipped.length > 0 && !(await applyAgain())) planner.current = undefined;
  };
  /** Without a remaining plan nothing is refused: the primary goes on starting processes. */
  const countDeathAtStart = async (candidate: Candidate): Promise<void> => {
    if (holdings.equipped.length > 0 || !refused.countDeath(candidate)) return;
    if (planner.canStartWithout(candidate, DEATHS)) await refuseForAll(candidate, 'died');
  };
  const openFor = async (holding: Holding, plan: Plan, candidate: Candidate): Promise<'died' | undefined> => {
    const outcome = await openings.open(holding, candidate);
    if (outcome === 'died') return outcome;
    if (outcome.opened || refused.reasons.has(keyOf(candidate))) return undefined;
    if (!planner.begun || !holdings.isHeld(keyOf(candidate))) {
      await refuseForAll(candidate, outcome);
      return undefined;
    }
    // Others serve it: the fault is this process's, or the files have changed since.
    const others = plan.open.filter((one) => one !== candidate && !holding.missing.has(keyOf(one)));
    if (others.length === 0) throw new ModelRefused(candidate.id, outcome.refusal);
    failures.miss(holding, candidate, outcome.refusal);
    return undefined;
  };

  const equip = async (process: Recipient): Promise<void> => {
    const holding = holdings.add(process);
    void process.exited.then(() => {
      holdings.remove(process.id);
      // It may have been the last one that held what others are without.
      if (holdings.anyMissing()) void applyAgain();
    });
    await listOnce();
    for (;;) {
      // There is no plan where another process has just found that nothing can be served: then this throws why.
      const plan = (planner.current ??= planner.make());
      const candidate = nextFor(holding, plan);
      if (!candidate) {
        holding.equipped = true;
        // Not awaited: the process answers this one by being ready.
        void serve(holding, plan);
        return;
      }
      // The primary sees the exit, too.
      if ((await openFor(holding, plan, candidate)) === 'died') return countDeathAtStart(candidate);
    }
  };
  return {
    prepare: async () => {
      try {
        await listOnce();
      } catch (error) {
        if (error instanceof ModelRefused) return;
        throw error;
      }
      await openings.compareAhead(planner.current?.open ?? []);
    },
    equip,
  };
}
