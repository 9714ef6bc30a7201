import type { Logger } from 'pino';
import type { Candidate, Listing } from '../repository/listing.ts';
import { keyOf } from '../repository/listing.ts';
import type { Plan } from './plan.ts';

/** What a rollout logs. */
export interface RolloutLog {
  /** Folders of a listing that can't be models for their names. */
  strays(listing: Listing): void;
  refused(candidate: Candidate, reason: string): void;
  missing(candidate: Candidate, reason: string): void;
  /** Models that the server starts without. */
  notServed(plan: Plan): void;
  changed(plan: Plan): void;
  unreadable(error: Error): void;
}

/** @param shadows ids of the versions that SHADOW names */
export function createRolloutLog(log: Logger, shadows: readonly string[]): RolloutLog {
  return {
    strays: ({ strays = [] }) => {
      for (const reason of strays) log.error({ reason }, 'a folder is no model');
    },
    refused: ({ id: model }, reason) => log.error({ model, reason }, 'a version was refused'),
    missing: ({ id: model }, reason) => log.error({ model, reason }, 'a process serves without a version'),
    notServed: ({ missing }) => {
      for (const [model, { reason }] of missing) log.error({ model, reason }, 'a model is not served');
    },
    changed: ({ defaultModel, open, served }) => {
      log.info({ defaultModel, models: open.map(({ id }) => id) }, 'models changed');
      for (const one of open)
        if (shadows.includes(one.id) && served.has(keyOf(one)))
          log.warn({ model: one.id }, 'SHADOW names the served version: nothing is compared');
    },
    unreadable: ({ message }) =>
      log.error({ reason: message }, 'cannot read the repository; keeping the current models'),
  };
}
