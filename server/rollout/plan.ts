import type { Candidate, Listing } from '../repository/listing.ts';
import { byNameAndVersion, keyOf } from '../repository/listing.ts';
import { ModelRefused } from '../model/refused.ts';
import type { Pin } from '../settings/pins.ts';

/** What the settings say about the served versions. */
export interface Wishes {
  /** Name of the default model; undefined leaves it to the repository. */
  readonly defaultModel: string | undefined;
  readonly pins: ReadonlyMap<string, Pin>;
  /** Ids of the versions that are scored beside the served ones. */
  readonly shadows: readonly string[];
  /** How many of the newest versions of each model are open, beside those that are served, pinned or shadows. */
  readonly openVersions: number;
  /** Models may come by request: the server may start without one, and settings may name models that aren't there yet. */
  readonly mayStartEmpty?: boolean;
  /** Ids of the versions that requests have opened, however old. */
  readonly named?: ReadonlySet<string>;
  /** Whether a model was added by request: it is never the default one by its name alone. */
  readonly isAdded?: (name: string) => boolean;
}

/** The versions that are to be open and served. */
export interface Plan {
  /** Name of the model behind the routes that name none. */
  readonly defaultModel: string;
  readonly open: readonly Candidate[];
  /** Keys of the versions behind the routes that name no version: one a model. */
  readonly served: ReadonlySet<string>;
  /** Models without a version that can be served, by name, each with the reason. */
  readonly missing: ReadonlyMap<string, ModelRefused>;
}

/** Why a version can't be used, by its key. */
export type Refusals = ReadonlyMap<string, string>;

function group(candidates: readonly Candidate[]): Map<string, Candidate[]> {
  const groups = new Map<string, Candidate[]>();
  for (const candidate of candidates) {
    const versions = groups.get(candidate.name) ?? [];
    versions.push(candidate);
    groups.set(candidate.name, versions);
  }
  return groups;
}

export function pinsOf({ preferences }: Pick<Listing, 'preferences'>, wishes: Wishes): (name: string) => Pin {
  const own = new Map(Object.entries(preferences.versions ?? {}));
  return (name) => wishes.pins.get(name) ?? own.get(name) ?? 'latest';
}

/** The version of a model that is served, or the refusal that says why there is none. */
function choose(
  name: string,
  versions: readonly Candidate[],
  pin: Pin,
  refusals: Refusals,
): Candidate | ModelRefused {
  const wanted =
    pin === 'latest' ? [...versions].reverse() : versions.filter(({ version }) => version === pin);
  const [first] = wanted;
  if (!first)
    return new ModelRefused(name, `it is pinned to version ${pin}, which the repository does not hold`);
  const found = wanted.find((candidate) => !refusals.has(keyOf(candidate)));
  return found ?? new ModelRefused(first.id, refusals.get(keyOf(first)) as string);
}

/** Models that settings name and the repository does not hold. */
function findMissing(
  names: ReadonlySet<string>,
  { preferences }: Listing,
  wishes: Wishes,
): [string, ModelRefused][] {
  const configuredDefault: [string, string] =
    wishes.defaultModel === undefined
      ? [preferences.default ?? '', 'repository.json']
      : [wishes.defaultModel, 'DEFAULT_MODEL'];
  const named = [
    configuredDefault,
    ...[...wishes.pins.keys()].map((name) => [name, 'MODEL_VERSIONS'] as const),
  ];
  return named
    .filter(([name]) => name !== '' && name !== '*' && !names.has(name))
    .map(([name, where]) => [
      name,
      new ModelRefused(name, `${where} names a model that the repository does not hold`),
    ]);
}

/**
 * Decides which versions of a repository are opened and served. Each model serves its pinned version, or else the latest
 * that wasn't refused; its newest versions and those that settings name are open beside it.
 */
export function makePlan(listing: Listing, wishes: Wishes, refusals: Refusals): Plan {
  const models = group(listing.candidates);
  const names = new Set(models.keys());
  const missing = new Map(wishes.mayStartEmpty ? [] : findMissing(names, listing, wishes));
  for (const id of wishes.shadows) {
    if (!wishes.mayStartEmpty && !listing.candidates.some((candidate) => candidate.id === id))
      missing.set(id, new ModelRefused(id, 'SHADOW names a version that the repository does not hold'));
  }
  const pinOf = pinsOf(listing, wishes);
  const served = new Set<string>();
  const open: Candidate[] = [];
  for (const [name, versions] of models) {
    const chosen = choose(name, versions, pinOf(name), refusals);
    if (chosen instanceof ModelRefused) {
      missing.set(name, chosen);
      continue;
    }
    served.add(keyOf(chosen));
    const good = versions.filter((candidate) => !refusals.has(keyOf(candidate)));
    const newest = new Set(good.slice(-wishes.openVersions));
    open.push(
      ...good.filter(
        (candidate) =>
          candidate === chosen ||
          newest.has(candidate) ||
          wishes.named?.has(candidate.id) ||
          wishes.shadows.includes(candidate.id),
      ),
    );
  }
  const first = [...names].find((name) => !wishes.isAdded?.(name)) ?? '';
  return { defaultModel: namedDefault(listing, wishes) ?? first, open, served, missing };
}

/** The model that settings or the repository itself call the default. */
export const namedDefault = ({ preferences }: Listing, { defaultModel }: Wishes): string | undefined =>
  [defaultModel, preferences.default].find((name) => name !== undefined && name !== '');

/** Why a server can't start with a plan: the default model is missing, or a model that settings name, or all are. */
function obstacleOf(plan: Plan, listing: Listing, wishes: Wishes): ModelRefused | undefined {
  const needed = [namedDefault(listing, wishes) ?? '', ...wishes.pins.keys(), ...wishes.shadows];
  const obstacles = needed.flatMap((name) => plan.missing.get(name) ?? []);
  return obstacles[0] ?? (plan.open.length > 0 ? undefined : [...plan.missing.values()][0]);
}

/**
 * The plan that a server starts with. Models without a version that can be served are left out; without a named default
 * model, the first of the others is the default.
 *
 * @throws {ModelRefused} when it can't start without one of them
 */
export function planStart(plan: Plan, listing: Listing, wishes: Wishes): Plan {
  const obstacle = obstacleOf(plan, listing, wishes);
  if (obstacle) throw obstacle;
  return { ...plan, defaultModel: namedDefault(listing, wishes) ?? plan.open[0]?.name ?? '' };
}

/** Whether `planStart` returns a plan. */
export const canStart = (plan: Plan, listing: Listing, wishes: Wishes): boolean =>
  obstacleOf(plan, listing, wishes) === undefined;

/**
 * A plan that keeps each served version that can't be replaced: one whose files are gone, or were replaced by refused
 * ones, stays in memory. A model that was removed as a whole goes, unless it is the default.
 */
export function keepServing(plan: Plan, current: Plan, listing: Listing, refusals: Refusals): Plan {
  const served = new Set(plan.served);
  let open = [...plan.open];
  const chosen = new Map(plan.open.filter((one) => served.has(keyOf(one))).map((one) => [one.name, one]));
  const defaultModel = chosen.has(plan.defaultModel) ? plan.defaultModel : current.defaultModel;
  const turnedBad = new Set(listing.candidates.filter((one) => refusals.has(keyOf(one))).map(({ id }) => id));
  for (const present of current.open.filter((one) => current.served.has(keyOf(one)))) {
    const { name, id, version } = present;
    const next = chosen.get(name);
    const stays = next
      ? turnedBad.has(id) && next.version < version
      : plan.missing.has(name) || name === defaultModel;
    if (!stays) continue;
    if (next) served.delete(keyOf(next));
    served.add(keyOf(present));
    open = [...open.filter((one) => one.id !== id), present];
  }
  return { ...plan, defaultModel, open: open.sort(byNameAndVersion), served };
}
