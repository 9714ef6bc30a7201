import type { Candidate } from '../repository/listing.ts';
import { keyOf } from '../repository/listing.ts';
import type { RolloutToProcess } from './messages.ts';
import type { Plan } from './plan.ts';

/** A server process as the rollout sees it. */
export interface Recipient {
  readonly id: number;
  send(message: RolloutToProcess): void;
  readonly exited: Promise<unknown>;
}

/** A process and the versions that it has. */
export interface Holding {
  readonly process: Recipient;
  /** Keys of the versions that it has opened. */
  readonly keys: Set<string>;
  /** Keys of the planned versions that it could not open, each with the reason. */
  readonly missing: Map<string, string>;
  /** It was sent a set of versions to serve. */
  equipped: boolean;
}

/** Which process has which version, and which one is without. */
export interface Holdings {
  /** Those that were sent a set of versions to serve. */
  readonly equipped: readonly Holding[];
  add(process: Recipient): Holding;
  remove(id: number): void;
  /** Whether an equipped process has a version open. */
  isHeld(key: string): boolean;
  /** Why an equipped process is without a version; undefined when none is. */
  missingReason(key: string): string | undefined;
  /** Whether an equipped process is without a version. */
  anyMissing(): boolean;
  /** Every process may try again what it could not open. */
  clearMissing(): void;
  /** The next equipped process that has to open a version of a plan. */
  next(plan: Plan): { readonly holding: Holding; readonly candidate: Candidate } | undefined;
}

/** The next version of a plan that a process has to open. */
export const nextFor = ({ keys, missing }: Holding, { open }: Plan): Candidate | undefined =>
  open.find((candidate) => !keys.has(keyOf(candidate)) && !missing.has(keyOf(candidate)));

export function createHoldings(): Holdings {
  const holdings = new Map<number, Holding>();
  const equipped = (): Holding[] => [...holdings.values()].filter((holding) => holding.equipped);
  return {
    get equipped() {
      return equipped();
    },
    add: (process) => {
      const holding: Holding = { process, keys: new Set(), missing: new Map(), equipped: false };
      holdings.set(process.id, holding);
      return holding;
    },
    remove: (id) => void holdings.delete(id),
    isHeld: (key) => equipped().some(({ keys }) => keys.has(key)),
    missingReason: (key) => equipped().flatMap(({ missing }) => missing.get(key) ?? [])[0],
    anyMissing: () => equipped().some(({ missing }) => missing.size > 0),
    clearMissing: () => {
      for (const { missing } of holdings.values()) missing.clear();
    },
    next: (plan) => {
      for (const holding of equipped()) {
        const candidate = nextFor(holding, plan);
        if (candidate) return { holding, candidate };
      }
      return undefined;
    },
  };
}
