import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from 'pino';
import { createMending } from './mending.ts';
import type { FromProcess } from './messages.ts';
import type { VersionState } from './models/catalogue.ts';
import type { Candidate, Listing } from './models/listing.ts';
import { keyOf } from './models/listing.ts';
import { ModelRefused, NotFetched } from './models/model.ts';
import type { Plan, Wishes } from './models/plan.ts';
import type { Source } from './models/source.ts';
import { keepServing, makePlan } from './models/plan.ts';
import { describeVersions } from './models/states.ts';
import type { Opener, Outcome, Recipient } from './openings.ts';
import { createOpenings } from './openings.ts';
import { servedSet } from './served.ts';

/** Processes that a version may take with it while they open it, before it is refused. */
const MAX_DEATHS = 2;

/** Time that a process has to swap, which is a few assignments. */
const SWAP_MS = 5000;

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
  receive(id: number, message: FromProcess): void;
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
  const swapping = new Map<string, () => void>();
  const refusals = new Map<string, string>();
  let sets = 0;
  const deaths = new Map<string, number>();
  let listing: Listing | undefined;
  let current: Plan | undefined;
  let loading: Candidate | undefined;
  /** What is in force, which is behind `listing` while that is being brought to the processes. */
  let applied: Listing | undefined;
  let first: Promise<void> | undefined;
  let last = Promise.resolve(true);
  let begun = false;
  /** Keys of refused versions that are tried again: they were served before, or couldn't be fetched. */
  const passing = new Set<string>();

  const states = (): VersionState[] =>
    listing && current ? describeVersions({ listing, current, refusals, loading, wishes }) : [];
  /** Resolves once the process serves the set, or is gone. */
  const serve = ({ process, keys, lacking }: Holding, plan: Plan): Promise<void> => {
    const set = servedSet(++sets, plan, states(), lacking);
    for (const key of keys) if (!set.open.includes(key)) keys.delete(key);
    const swapped = new Promise<void>((resolve) => swapping.set(`${process.id} ${set.number}`, resolve));
    process.tell({ type: 'serve', set });
    // One that is frozen swaps when it wakes.
    const late = delay(SWAP_MS, undefined, { ref: false });
    return Promise.race([swapped, process.exited, late]).then(() => {
      swapping.delete(`${process.id} ${set.number}`);
    });
  };
  const equipped = (): Holding[] => [...holdings.values()].filter((holding) => holding.equipped);

  const failed = new Set<string>();
  const refuse = (candidate: Candidate, reason: string, fetched = true): void => {
    const key = keyOf(candidate);
    refusals.set(key, reason);
    if (isServed(candidate) || !fetched) passing.add(key);
    if (passing.has(key)) mending.later();
    // One that is tried again is no other failure.
    if (!failed.has(key)) onRefused(candidate.name);
    failed.add(key);
  };
  /** A process died while it opened a version: that may be chance once, not twice. */
  const isKiller = (candidate: Candidate): boolean => {
    const key = keyOf(candidate);
    const count = (deaths.get(key) ?? 0) + 1;
    deaths.set(key, count);
    return count >= MAX_DEATHS;
  };
  const DEATHS = 'processes died while they opened it';
  const open = async (holding: Holding, candidate: Candidate): Promise<Outcome & { fetched: boolean }> => {
    try {
      await source.fetch(candidate);
    } catch (error) {
      if (!(error instanceof NotFetched)) throw error;
      return { opened: false, refusal: error.reason, fetched: false };
    }
    return { ...(await openings.open(holding, candidate)), fetched: true };
  };
  /** At the start, a version is only given up for another: with none, whoever starts processes tries on. */
  const blameAtStart = (candidate: Candidate): void => {
    if (equipped().length > 0 || !isKiller(candidate)) return;
    const without = new Map(refusals).set(keyOf(candidate), DEATHS);
    if (makePlan(listing as Listing, wishes, without).missing.size > 0) return;
    refuse(candidate, DEATHS);
    current = undefined;
    current = replan();
    log.error({ model: candidate.id, reason: DEATHS }, 'a version was refused');
  };

  /** The plan for what is listed. Models that are served and have nothing else to be served by are kept. */
  const replan = (): Plan => {
    const known = listing as Listing;
    const plan = makePlan(known, wishes, refusals);
    if (current) {
      const held = current.open.filter((one) => isHeld(keyOf(one)));
      const kept = keepServing(plan, { ...current, open: held }, known, refusals);
      if (kept.open.length > 0) return kept;
    }
    for (const refusal of plan.missing.values()) throw refusal;
    return plan;
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
    for (const key of passing) refusals.delete(key);
    void look(() => Promise.resolve(applied ?? (listing as Listing)));
  };
  const mending = createMending(mend);

  const commit = async (plan: Plan): Promise<void> => {
    const changed =
      !current ||
      current.standard !== plan.standard ||
      current.open.map(keyOf).join() !== plan.open.map(keyOf).join() ||
      [...current.served].join() !== [...plan.served].join();
    current = plan;
    if (changed)
      log.info({ standard: plan.standard, models: plan.open.map(({ id }) => id) }, 'models changed');
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
    for (const facts of [refusals, deaths])
      for (const key of facts.keys()) if (!known.has(key)) facts.delete(key);
    for (const keys of [failed, passing]) for (const key of keys) if (!known.has(key)) keys.delete(key);
  };

  const apply = async (next: Listing): Promise<void> => {
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
        passing.delete(keyOf(candidate));
        continue;
      }
      if (outcome.refusal !== undefined) {
        if (isServed(candidate) && isHeld(keyOf(candidate))) {
          lack(holding, candidate, outcome.refusal);
          continue;
        }
        refuse(candidate, outcome.refusal, outcome.fetched);
      } else if (isKiller(candidate)) refuse(candidate, DEATHS);
      const reason = refusals.get(keyOf(candidate));
      if (reason !== undefined) log.error({ model: candidate.id, reason }, 'a version was refused');
    }
  };

  /** One after the other: each begins with what the one before it ended with. */
  const inOrder = (run: () => Promise<boolean>): Promise<boolean> => {
    last = last.then(run);
    return last;
  };

  const listFirst = async (): Promise<void> => {
    listing = applied = await source.list();
    current = replan();
  };

  const equip = async (process: Recipient): Promise<void> => {
    const holding: Holding = { process, keys: new Set(), equipped: false, lacking: new Map() };
    holdings.set(process.id, holding);
    void process.exited.then(() => {
      holdings.delete(process.id);
      // Perhaps the last one that held what others lack.
      if (equipped().some(({ lacking }) => lacking.size > 0))
        void look(() => Promise.resolve(applied ?? (listing as Listing)));
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
      if (refusals.has(keyOf(candidate))) continue;
      // Others serve it: the fault is this process's, or the files have changed since.
      if (isHeld(keyOf(candidate))) {
        const others = plan.open.filter((one) => one !== candidate && !holding.lacking.has(keyOf(one)));
        if (!begun || others.length === 0) throw new ModelRefused(candidate.id, outcome.refusal);
        lack(holding, candidate, outcome.refusal);
        continue;
      }
      refuse(candidate, outcome.refusal, outcome.fetched);
      if (!begun) current = undefined;
      current = replan();
      log.error({ model: candidate.id, reason: outcome.refusal }, 'a version was refused');
    }
    holding.equipped = true;
    // Not awaited: it answers this one by being ready.
    void serve(holding, current);
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

  return {
    equip,
    begin: () => {
      begun = true;
    },
    refresh: (given) => look(() => Promise.resolve(given ?? source.list())),
    retry: () =>
      look(async () => {
        const next = await source.list();
        refusals.clear();
        deaths.clear();
        for (const { lacking } of holdings.values()) lacking.clear();
        mending.reset();
        return next;
      }),
    receive: (id, message) => {
      if (message.type === 'swapped') swapping.get(`${id} ${message.number}`)?.();
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
