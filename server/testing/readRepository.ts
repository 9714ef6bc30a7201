import { keyOf } from '../repository/listing.ts';
import { listFolder } from '../repository/folder.ts';
import type { Model } from '../model/model.ts';
import { ModelRefused } from '../model/refused.ts';
import type { Wishes } from '../rollout/plan.ts';
import { makePlan } from '../rollout/plan.ts';
import { readModelVersion } from '../loading/readModelVersion.ts';

const NO_WISHES: Wishes = { defaultModel: undefined, pins: new Map(), shadows: [], openVersions: 1 };

/**
 * Reads the served version of every model in a folder, sorted by name.
 *
 * @throws {ModelRefused} for the first version that can't be served, or when there is none at all
 */
export async function readRepository(repository: string): Promise<Model[]> {
  const listing = await listFolder(repository);
  const { open, served, missing } = makePlan(listing, NO_WISHES, new Map());
  for (const refusal of missing.values()) throw refusal;
  const models: Model[] = [];
  for (const candidate of open) {
    if (served.has(keyOf(candidate))) models.push((await readModelVersion(candidate)).model);
  }
  return models;
}

/**
 * The model that answers the routes which name none: the wanted one, or else the first.
 *
 * @throws {ModelRefused} when the wanted model isn't there
 */
export function defaultModel(models: readonly Model[], wanted: string): Model {
  const model = wanted === '' ? models[0] : models.find(({ name }) => name === wanted);
  if (!model) throw new ModelRefused(wanted, 'DEFAULT_MODEL names a model that the repository does not hold');
  return model;
}
