import type { ServedSet } from './messages.ts';
import type { VersionState } from '../model/catalogue.ts';
import { keyOf } from '../repository/listing.ts';
import type { Plan } from './plan.ts';

/**
 * The set that one process serves of a plan: all versions except those that it could not open.
 *
 * @param missing keys of the versions that it could not open, each with the reason
 */
export function servedSet(
  number: number,
  plan: Plan,
  versions: readonly VersionState[],
  missing: ReadonlyMap<string, string>,
): ServedSet {
  const has = (key: string): boolean => !missing.has(key);
  const reasons = new Map(plan.open.map((one) => [one.id, missing.get(keyOf(one))]));
  return {
    number,
    defaultModel: plan.defaultModel,
    open: plan.open.map(keyOf).filter(has),
    served: [...plan.served].filter(has),
    versions: versions.map((version) => {
      const reason = reasons.get(`${version.name}/${version.version}`);
      return reason === undefined ? version : { ...version, state: 'refused', reason };
    }),
  };
}
