import type { Logger } from 'pino';
import type { VersionState } from '../model/catalogue.ts';
import { ModelRefused } from '../model/refused.ts';
import type { Candidate, Listing } from '../repository/listing.ts';
import { keyOf } from '../repository/listing.ts';
import type { Source } from '../repository/source.ts';
import { createChoices } from './choices.ts';
import { createEquip } from './equip.ts';
import { createFailures } from './failures.ts';
import type { Holding, Recipient } from './holdings.ts';
import { createHoldings } from './holdings.ts';
import type { RolloutFromProcess } from './messages.ts';
import type { OpeningsOptions, Outcome } from './openings.ts';
import { createOpenings } from './openings.ts';
import type { Orders } from './orders.ts';
import { createOrders } from './orders.ts';
import type { Plan, Wishes } from './plan.ts';
import { createPlanner } from './planner.ts';
import { createRefusedVersions } from './refusedVersions.ts';
import { createRetry } from './retry.ts';
import { createRolloutLog } from './rolloutLog.ts';
import { createSendStates } from './sendStates.ts';
import { createSwaps } from './swaps.ts';
import { createTurns } from './turns.ts';

export interface RolloutOptions {
  readonly source: Source;
  readonly wishes: Wishes;
  /** Compares a version's fast path with ONNX Runtime. */
  readonly verify: OpeningsOptions['verify'];
  readonly log: Logger;
  readonly onRefused: (model: string) => void;
}

/**
 * Decides which versions all processes serve, and brings them there: a version is opened and verified in one process
 * after the other, and once all have it, all swap. A version that one of them refuses is never served.
 */
export interface Rollout {
  /** Begins with what needs no process: lists the repository, and has its versions compared. Never fails. */
  prepare(): Promise<void>;
  /** Has a process that was just started open what is served. @throws {ModelRefused} when it can't */
  equip(process: Recipient): Promise<void>;
  /**
   * All processes have been ready. From now on a model that has turned bad costs only itself: a process that can't open
   * it any more serves the others, and tries it again after growing pauses.
   */
  begin(): void;
  /**
   * Reads the repository and brings its changes to all processes. Never fails: faults are logged.
   *
   * @returns false when the repository can't be read; then nothing has changed
   */
  refresh(listing?: Listing): Promise<boolean>;
  /** Refreshes, and tries refused versions again. */
  retry(): Promise<boolean>;
  /** Loads and unloads models by request. */
  readonly orders: Orders;
  receive(id: number, message: Exclude<RolloutFromProcess, { type: 'order' }>): void;
  readonly versions: readonly VersionState[];
  /** The listing that was last brought to the processes. */
  readonly listing: Listing;
}

function isChanged(before: Plan | undefined, { defaultModel, open, served }: Plan): boolean {
  return (
    before?.defaultModel !== defaultModel ||
    before.open.map(keyOf).join() !== open.map(keyOf).join() ||
    [...before.served].join() !== [...served].join()
  );
}

export function createRollout({ source, wishes, verify, log, onRefused }: RolloutOptions): Rollout {
  const rolloutLog = createRolloutLog(log, wishes.shadows);
  const holdings = createHoldings();
  const openings = createOpenings({ fetch: (candidate) => source.fetch(candidate), verify });
  const swaps = createSwaps();
  const refused = createRefusedVersions();
  const choices = createChoices();
  const { isHeld } = holdings;
  const planner = createPlanner({ wishes, choices, refusals: refused.reasons, isHeld });
  /** What was bad may be good again, and there may be room for what couldn't be fetched. */
  const retry = createRetry(() => {
    holdings.clearMissing();
    refused.retryTransient();
    void applyAgain();
  });

  const failures = createFailures({ holdings, planner, refused, retry, rolloutLog, onRefused });
  const serve = (holding: Holding, plan: Plan): Promise<void> => swaps.serve(holding, plan, planner.states());
  /** Forgets contents that the repository no longer holds, and no process has open. */
  const forget = (listing: Listing): void => {
    const { candidates } = choices.complete(listing);
    const known = new Set([...candidates, ...(planner.current?.open ?? [])].map(keyOf));
    openings.forget(known);
    refused.forget(known);
  };
  const judge = (holding: Holding, candidate: Candidate, outcome: Outcome): void => {
    if (outcome === 'died') {
      if (refused.countDeath(candidate)) rolloutLog.refused(candidate, failures.refuse(candidate, outcome));
    } else if (outcome.opened) refused.opened(candidate);
    else if (planner.isServed(candidate) && holdings.isHeld(keyOf(candidate)))
      failures.miss(holding, candidate, outcome.refusal);
    else rolloutLog.refused(candidate, failures.refuse(candidate, outcome));
  };
  const commit = async (plan: Plan): Promise<void> => {
    const changed = isChanged(planner.current, plan);
    planner.current = plan;
    if (changed) rolloutLog.changed(plan);
    // Also without a change: it closes what was opened in vain.
    await Promise.all(holdings.equipped.map((holding) => serve(holding, plan)));
  };
  const sendStates = createSendStates(planner, holdings);
  const apply = async (next: Listing): Promise<void> => {
    if (next !== planner.applied) rolloutLog.strays(next);
    planner.listing = next;
    forget(next);
    for (;;) {
      failures.withdraw();
      const plan = planner.make();
      const task = holdings.next(plan);
      if (!task) {
        planner.applied = next;
        return commit(plan);
      }
      const { holding, candidate } = task;
      planner.loading = candidate;
      sendStates();
      const outcome = await openings.open(holding, candidate).finally(() => (planner.loading = undefined));
      judge(holding, candidate, outcome);
    }
  };

  /** Listings and orders, one after the other: each begins with what the one before it ended with. */
  const inTurn = createTurns();
  const applyNext = (read: () => Promise<Listing>): Promise<boolean> =>
    inTurn(async () => {
      try {
        await apply(await read());
        return true;
      } catch (error) {
        if (!(error instanceof ModelRefused)) throw error;
        rolloutLog.unreadable(error);
        return false;
      }
    });
  const applyAgain = (): Promise<boolean> =>
    applyNext(() => Promise.resolve(planner.applied ?? (planner.listing as Listing)));
  const orders = createOrders({ source, wishes, choices, planner, holdings, refused, inTurn, apply });

  const { prepare, equip } = createEquip({
    source,
    holdings,
    openings,
    planner,
    refused,
    rolloutLog,
    failures,
    serve,
    applyAgain,
  });
  return {
    orders,
    prepare,
    equip,
    begin: () => {
      planner.begun = true;
    },
    refresh: (listing) => applyNext(() => Promise.resolve(listing ?? source.list())),
    retry: () =>
      applyNext(async () => {
        const listing = await source.list();
        refused.retryAll();
        holdings.clearMissing();
        retry.reset();
        return listing;
      }),
    receive: (id, message) => {
      switch (message.type) {
        case 'opened':
          return openings.receive(id, message);
        case 'swapped':
          return swaps.receive(id, message);
      }
    },
    get versions() {
      return planner.states();
    },
    get listing() {
      return planner.applied ?? planner.listing ?? { candidates: [], preferences: {} };
    },
  };
}
