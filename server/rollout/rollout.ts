import type { Logger } from 'pino';
import { createMending } from './retry.ts';
import type { RolloutFromProcess } from './messages.ts';
import type { VersionState } from '../model/catalogue.ts';
import type { Candidate, Listing } from '../repository/listing.ts';
import { keyOf } from '../repository/listing.ts';
import { NotFetched } from '../model/refused.ts';
import { ModelRefused } from '../model/refused.ts';
import type { Plan, Wishes } from './plan.ts';
import type { Source } from '../repository/source.ts';
import { canStart, keepServing, makePlan, planStart } from './plan.ts';
import { describeVersions } from './versionStates.ts';
import type { Opener, Outcome, Recipient } from './openings.ts';
import { createOpenings } from './openings.ts';
import { createRefusedVersions } from './refusedVersions.ts';
import { servedSet } from './servedSet.ts';
import { createSwaps } from './swaps.ts';

const DEATHS = 'processes died while they opened it';

export interface RolloutOptions {
  readonly source: Source;
  readonly wishes: Wishes;
  readonly log: Logger;
  readonly onRefused: (model: string) => void;
}

/**
 * Decides which versions all processes serve, and brings them there: a version is opened and verified in one process
 * after the other, and once all have it, all swap. One that any of them refuses never serves.
 */
export interface Rollout {
  /** Has a process that was just started open what is served. @throws {ModelRefused} when it can't */
  equip(process: Recipient): Promise<void>;
  /**
   * All processes have been ready. From now on a model that has turned bad costs only itself: a process that can't open
   * it any more serves the others, and tries it again from time to time.
   */
  begin(): void;
  /**
   * Looks at the repository and brings what is new to all processes. Never fails: what is wrong is logged.
   *
   * @returns false when the repository can't be read; then nothing has changed
   */
  refresh(listing?: Listing): Promise<boolean>;
  /** The same, and versions that were refused are tried again. */
  retry(): Promise<boolean>;
  receive(id: number, message: RolloutFromProcess): void;
  readonly versions: readonly VersionState[];
  /** What the repository held when it was last brought to the processes. */
  readonly listing: Listing;
}

interface Holding extends Opener {
  /** It has been told what to serve. */
  equipped: boolean;
  /** Keys of what others serve and it couldn't open, each with the reason. */
  readonly lacking: Map<string, string>;
}

export function createRollout({ source, wishes, log, onRefused }: RolloutOptions): Rollout {
  const holdings = new Map<number, Holding>();
  const openings = createOpenings();
  const swaps = createSwaps();
  const refused = createRefusedVersions();
  let sets = 0;
  let listing: Listing | undefined;
  let current: Plan | undefined;
  let loading: Candidate | undefined;
  /** What is in force, which is behind `listing` while that is being brought to the processes. */
  let applied: Listing | undefined;
  let first: Promise<void> | undefined;
  let last = Promise.resolve(true);
  let begun = false;

  const states = (): VersionState[] =>
    listing && current
      ? describeVersions({ listing, current, refusals: refused.reasons, loading, wishes })
      : [];
  const serve = ({ process, keys, lacking }: Holding, plan: Plan): Promise<void> => {
    const set = servedSet(++sets, plan, states(), lacking);
    for (const key of keys) if (!set.open.includes(key)) keys.delete(key);
    return swaps.serve(process, set);
  };
  const equipped = (): Holding[] => [...holdings.values()].filter((holding) => holding.equipped);

  const refuse = (candidate: Candidate, reason: string, fetched = true): void => {
    if (isServed(candidate)) refused.mayPass(candidate, 'served');
    else if (!fetched) refused.mayPass(candidate, 'not fetched');
    else refused.isThere(candidate);
    // It would end one more process with each try.
    if (reason === DEATHS) refused.mayNotPass(candidate);
    if (refused.isPassing(candidate)) mending.later();
    // One that is tried again is no other failure.
    if (refused.refuse(candidate, reason)) onRefused(candidate.name);
  };
  const tell = ({ id: model }: Candidate, reason: string): void =>
    log.error({ model, reason }, 'a version was refused');

  const open = async (holding: Holding, candidate: Candidate): Promise<Outcome & { fetched: boolean }> => {
    try {
      await source.fetch(candidate);
    } catch (error) {
      if (!(error instanceof NotFetched)) throw error;
      return { opened: false, refusal: error.reason, fetched: false };
    }
    return { ...(await openings.open(holding, candidate)), fetched: true };
  };

  /**
   * The plan for what is listed. Models that are served and have nothing else to be served by are kept.
   *
   * @throws {ModelRefused} at the start, when a model is missing that the server can't begin without
   */
  const replan = (): Plan => {
    const known = listing as Listing;
    const plan = makePlan(known, wishes, refused.reasons);
    if (!begun || !current) return planStart(plan, known, wishes);
    const held = current.open.filter((one) => isHeld(keyOf(one)));
    const kept = keepServing(plan, { ...current, open: held }, known, refused.reasons);
    return kept.open.length > 0 ? kept : planStart(plan, known, wishes);
  };

  /** The process serves the rest for now; what it lacks is tried again. */
  const lack = ({ lacking }: Holding, candidate: Candidate, reason: string): void => {
    lacking.set(keyOf(candidate), reason);
    log.error({ model: candidate.id, reason }, 'a process serves without a version');
    onRefused(candidate.name);
    mending.later();
  };
  const isServed = (candidate: Candidate): boolean =>
    begun && (current?.open ?? []).some((one) => keyOf(one) === keyOf(candidate));
  const isHeld = (key: string): boolean => equipped().some(({ keys }) => keys.has(key));
  /** What some lack and nobody has any more is refused: so the version before it can take over. */
  const forsake = (): void => {
    for (const one of current?.open ?? []) {
      const reason = equipped().flatMap(({ lacking }) => lacking.get(keyOf(one)) ?? [])[0];
      if (reason !== undefined && !isHeld(keyOf(one))) refuse(one, reason);
    }
  };
  /** Whatever turned bad while it was served may be good again, and there may be room for what couldn't be fetched. */
  const mend = (): void => {
    for (const { lacking } of holdings.values()) lacking.clear();
    refused.retryPassing();
    void lookAgain();
  };
  const mending = createMending(mend);

  const commit = async (plan: Plan): Promise<void> => {
    const changed =
      !current ||
      current.defaultModel !== plan.defaultModel ||
      current.open.map(keyOf).join() !== plan.open.map(keyOf).join() ||
      [...current.served].join() !== [...plan.served].join();
    current = plan;
    if (changed)
      log.info({ defaultModel: plan.defaultModel, models: plan.open.map(({ id }) => id) }, 'models changed');
    const idle = changed
      ? plan.open.filter((one) => wishes.shadows.includes(one.id) && plan.served.has(keyOf(one)))
      : [];
    for (const { id } of idle)
      log.warn({ model: id }, 'SHADOW names the served version: nothing is compared');
    // Also without a change: it closes what was opened in vain.
    await Promise.all(equipped().map((holding) => serve(holding, plan)));
  };

  /** What is known of contents that the repository no longer holds, and nobody has open. */
  const forget = ({ candidates }: Listing): void => {
    const known = new Set([...candidates.map(keyOf), ...(current?.open.map(keyOf) ?? [])]);
    openings.forget(known);
    refused.forget(known);
  };

  const tellStrays = ({ strays = [] }: Listing): void => {
    for (const reason of strays) log.error({ reason }, 'a folder is no model');
  };

  const apply = async (next: Listing): Promise<void> => {
    if (next !== applied) tellStrays(next);
    listing = next;
    forget(next);
    for (;;) {
      forsake();
      const plan = replan();
      const lacks = (holding: Holding): Candidate | undefined =>
        plan.open.find((one) => !holding.keys.has(keyOf(one)) && !holding.lacking.has(keyOf(one)));
      const holding = equipped().find(lacks);
      const candidate = holding && lacks(holding);
      if (!holding || !candidate) {
        applied = next;
        return commit(plan);
      }
      loading = candidate;
      for (const { process } of equipped()) process.tell({ type: 'versions', versions: states() });
      const outcome = await open(holding, candidate);
      loading = undefined;
      if (outcome.opened) {
        refused.opened(candidate);
        continue;
      }
      if (outcome.refusal !== undefined && isServed(candidate) && isHeld(keyOf(candidate))) {
        lack(holding, candidate, outcome.refusal);
        continue;
      }
      if (outcome.refusal === undefined && !refused.isKiller(candidate)) continue;
      const reason = outcome.refusal ?? DEATHS;
      refuse(candidate, reason, outcome.fetched);
      tell(candidate, reason);
    }
  };

  /** One after the other: each begins with what the one before it ended with. */
  const inOrder = (run: () => Promise<boolean>): Promise<boolean> => {
    last = last.then(run);
    return last;
  };

  const look = (read: () => Promise<Listing>): Promise<boolean> =>
    inOrder(async () => {
      try {
        await apply(await read());
        return true;
      } catch (error) {
        if (!(error instanceof ModelRefused)) throw error;
        loading = undefined;
        log.error({ reason: error.message }, 'the repository cannot be read: what is served stays');
        return false;
      }
    });
  const lookAgain = (): Promise<boolean> => look(() => Promise.resolve(applied ?? (listing as Listing)));

  const listFirst = async (): Promise<void> => {
    listing = applied = await source.list();
    tellStrays(listing);
    current = replan();
    for (const [model, { reason }] of current.missing) log.error({ model, reason }, 'a model is not served');
  };
  /**
   * A version that a process can't open is given up by all: at the start also by those that have it, before the
   * process goes on to what is served instead.
   *
   * @throws {ModelRefused} at the start, when the server can't begin without it
   */
  const giveUp = async (candidate: Candidate, reason: string, fetched = true): Promise<void> => {
    refuse(candidate, reason, fetched);
    // Where this throws, the others find no plan either, and no line but its own is told.
    if (!begun) current = undefined;
    current = replan();
    tell(candidate, reason);
    if (!begun && equipped().length > 0 && !(await lookAgain())) current = undefined;
  };
  /** Without the version there must be something to serve: else whoever starts processes tries on. */
  const blameAtStart = async (candidate: Candidate): Promise<void> => {
    if (equipped().length > 0 || !refused.isKiller(candidate)) return;
    const without = new Map(refused.reasons).set(keyOf(candidate), DEATHS);
    const known = listing as Listing;
    if (canStart(makePlan(known, wishes, without), known, wishes)) await giveUp(candidate, DEATHS);
  };

  const equip = async (process: Recipient): Promise<void> => {
    const holding: Holding = { process, keys: new Set(), equipped: false, lacking: new Map() };
    holdings.set(process.id, holding);
    void process.exited.then(() => {
      holdings.delete(process.id);
      // Perhaps the last one that held what others lack.
      if (equipped().some(({ lacking }) => lacking.size > 0)) void lookAgain();
    });
    // Processes that start together ask once.
    await (first ??= listFirst());
    for (;;) {
      // None where another process has just found that nothing can be served: this throws why.
      const plan = (current ??= replan());
      const candidate = plan.open.find(
        (one) => !holding.keys.has(keyOf(one)) && !holding.lacking.has(keyOf(one)),
      );
      if (!candidate) break;
      const outcome = await open(holding, candidate);
      if (outcome.opened) continue;
      // The process is gone; whoever started it knows.
      if (outcome.refusal === undefined) return blameAtStart(candidate);
      if (refused.reasons.has(keyOf(candidate))) continue;
      // Others serve it: the fault is this process's, or the files have changed since.
      if (begun && isHeld(keyOf(candidate))) {
        const others = plan.open.filter((one) => one !== candidate && !holding.lacking.has(keyOf(one)));
        if (others.length === 0) throw new ModelRefused(candidate.id, outcome.refusal);
        lack(holding, candidate, outcome.refusal);
        continue;
      }
      await giveUp(candidate, outcome.refusal, outcome.fetched);
    }
    holding.equipped = true;
    // Not awaited: it answers this one by being ready.
    void serve(holding, current);
  };

  return {
    equip,
    begin: () => {
      begun = true;
    },
    refresh: (given) => look(() => Promise.resolve(given ?? source.list())),
    retry: () =>
      look(async () => {
        const next = await source.list();
        refused.retryAll();
        for (const { lacking } of holdings.values()) lacking.clear();
        mending.reset();
        return next;
      }),
    receive: (id, message) => {
      if (message.type === 'swapped') swaps.receive(id, message);
      if (message.type === 'opened') openings.receive(id, message);
    },
    get versions() {
      return states();
    },
    get listing() {
      return applied ?? listing ?? { candidates: [], preferences: {} };
    },
  };
}
