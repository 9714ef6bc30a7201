import { Problem } from '../errors/problem.ts';
import type { VersionState } from '../model/catalogue.ts';
import { ModelRefused } from '../model/refused.ts';
import { deadline } from '../platform/deadline.ts';
import type { Candidate, Listing } from '../repository/listing.ts';
import { keyOf } from '../repository/listing.ts';
import type { Source } from '../repository/source.ts';
import type { Choices } from './choices.ts';
import type { Holdings } from './holdings.ts';
import type { Wishes } from './plan.ts';
import { namedDefault, pinsOf } from './plan.ts';
import type { Planner } from './planner.ts';
import type { RefusedVersions } from './refusedVersions.ts';

/** Time that an order may take; what it began goes on. SageMaker waits for as long. */
export const ORDER_MS = 300_000;

/** A model, or one version of it. */
export interface Target {
  readonly name: string;
  readonly version?: number | undefined;
}

/** Loads and unloads models by request. Each call resolves once all processes serve, or have closed, what it names. */
export interface Orders {
  /** @throws {Problem} model_not_found, model_refused, not_ready or deadline_exceeded */
  load(target: Target): Promise<void>;
  /** @throws {Problem} model_not_found, model_pinned or deadline_exceeded */
  unload(target: Target): Promise<void>;
  /** Loads the versions of a model that the repository doesn't hold. @throws {Problem} model_loaded, model_refused, … */
  add(versions: readonly Candidate[]): Promise<void>;
  /** Unloads a model that is loaded. @throws {Problem} model_not_found, model_pinned, … */
  remove(name: string): Promise<void>;
}

export interface OrdersOptions {
  readonly source: Pick<Source, 'list'>;
  readonly wishes: Wishes;
  readonly choices: Choices;
  readonly planner: Planner;
  readonly holdings: Pick<Holdings, 'missingReason' | 'clearMissing'>;
  readonly refused: Pick<RefusedVersions, 'retryModel'>;
  /** Runs a task once all earlier listings and orders are carried out. */
  readonly inTurn: <T>(task: () => Promise<T>) => Promise<T>;
  /** Brings a listing to all processes. @throws {ModelRefused} */
  readonly apply: (listing: Listing) => Promise<void>;
}

const idOf = ({ name, version }: Target): string => (version === undefined ? name : `${name}/${version}`);

export function createOrders(options: OrdersOptions): Orders {
  const { source, wishes, choices, planner, holdings, refused, inTurn, apply } = options;
  const listing = (): Listing => planner.listing ?? { candidates: [], preferences: {} };
  const versionsOf = ({ name, version }: Target): VersionState[] =>
    planner.states().filter((one) => one.name === name && (version === undefined || one.version === version));
  const requireKnown = (candidates: readonly Candidate[], { name, version }: Target): void => {
    const isKnown = candidates.some(
      (one) => one.name === name && (version === undefined || one.version === version),
    );
    if (!isKnown)
      throw new Problem('model_not_found', { detail: 'The repository holds no such model or version.' });
  };
  /** The setting that names a version of the target, so that it must stay. */
  const pinOf = ({ name, version }: Target): string | undefined => {
    const isMeant = (other: number): boolean => version === undefined || version === other;
    const pin = pinsOf(listing(), wishes)(name);
    if (pin !== 'latest' && isMeant(pin))
      return wishes.pins.has(name) ? 'MODEL_VERSIONS' : "The repository's repository.json";
    const isShadow = (id: string): boolean =>
      version === undefined ? id.startsWith(`${name}/`) : id === `${name}/${version}`;
    if (wishes.shadows.some(isShadow)) return 'SHADOW';
    const others = versionsOf({ name }).filter((one) => one.state === 'ready' && one.version !== version);
    if (namedDefault(listing(), wishes) === name && (version === undefined || others.length === 0))
      return wishes.defaultModel === name ? 'DEFAULT_MODEL' : "The repository's repository.json";
    return undefined;
  };
  /** What is to answer for the target: the named version, or the one that is served if none is refused. */
  const requireServed = (target: Target): void => {
    const versions = versionsOf(target).filter((one) => !choices.isClosed({ ...one, id: idOf(one) }));
    const pin = pinsOf(listing(), wishes)(target.name);
    const wanted =
      target.version === undefined && pin !== 'latest'
        ? versions.find(({ version }) => version === pin)
        : versions.at(-1);
    const open = planner.current?.open.find(({ id }) => wanted && id === idOf(wanted));
    const reason = wanted?.reason ?? (open && holdings.missingReason(keyOf(open)));
    if (wanted?.state === 'ready' && open && reason === undefined) return;
    throw new Problem('model_refused', {
      detail: `${wanted ? idOf(wanted) : target.name} was not loaded: ${reason ?? 'no version of it can be served'}.`,
    });
  };
  const list = async (): Promise<Listing> => {
    try {
      return await source.list();
    } catch (error) {
      if (!(error instanceof ModelRefused)) throw error;
      throw new Problem('not_ready', { detail: `The repository can't be read: ${error.reason}.` });
    }
  };
  const carryOut = async (task: () => Promise<void>): Promise<void> => {
    const late = new Problem('deadline_exceeded', {
      detail: 'The order is still being carried out: the state of each version is in GET /models.',
    });
    const done = inTurn(task).catch((error: unknown) => {
      if (!(error instanceof ModelRefused)) throw error;
      throw new Problem('model_refused', { detail: `${error.message}.` });
    });
    return deadline(done, ORDER_MS, late);
  };

  const unload = (target: Target): Promise<void> => {
    const pin = pinOf(target);
    if (pin !== undefined)
      throw new Problem('model_pinned', { detail: `${pin} names ${idOf(target)}, so it stays loaded.` });
    choices.unload(target.name, target.version);
    return apply(listing());
  };
  const isOpen = (name: string): boolean =>
    versionsOf({ name }).some(({ state }) => state === 'ready' || state === 'leaving');

  return {
    load: (target) =>
      carryOut(async () => {
        const next = await list();
        requireKnown(choices.complete(next).candidates, target);
        choices.load(target.name, target.version);
        refused.retryModel(target.name);
        holdings.clearMissing();
        await apply(next);
        requireServed(target);
      }),
    unload: (target) =>
      carryOut(() => {
        requireKnown([...choices.complete(listing()).candidates, ...(planner.current?.open ?? [])], target);
        return unload(target);
      }),
    add: (versions) =>
      carryOut(async () => {
        const { name } = versions[0] as Candidate;
        if (isOpen(name)) throw new Problem('model_loaded');
        choices.add(versions);
        refused.retryModel(name);
        try {
          await apply(listing());
          requireServed({ name });
        } catch (error) {
          // A model that can't be served isn't kept: the client may add it again.
          choices.unload(name);
          await apply(listing());
          throw error;
        }
      }),
    remove: (name) =>
      carryOut(() => {
        if (!isOpen(name)) throw new Problem('model_not_found', { detail: 'No such model is loaded.' });
        return unload({ name });
      }),
  };
}
