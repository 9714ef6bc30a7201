import type { ServedSet } from './messages.ts';
import type { VersionState } from '../model/catalogue.ts';
import { keyOf } from '../repository/listing.ts';
import type { Plan } from './plan.ts';

/**
 * What one process is to serve of a plan: everything, but what it lacks.
 *
 * @param lacking keys of what others serve and it couldn't open, each with the reason
 */
export function servedSet(
  number: number,
  plan: Plan,
  versions: readonly VersionState[],
  lacking: ReadonlyMap<string, string>,
): ServedSet {
  const has = (key: string): boolean => !lacking.has(key);
  const reasons = new Map(plan.open.map((one) => [one.id, lacking.get(keyOf(one))]));
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
