import type { Distribution, Signature } from '../model/signature.ts';

/**
 * The first fault of a distribution, as a path and a sentence.
 *
 * @param names number of categories or classes; undefined for bins of numbers
 */
function faultOf({ edges, shares }: Distribution, names: number | undefined): string | undefined {
  if (names !== undefined && edges) return '/edges belong to numbers';
  if (names === undefined && !edges) return ' of numbers must have edges';
  const wanted = names ?? (edges?.length ?? 0) + 1;
  if (shares.length !== wanted) return `/shares must have ${wanted} items`;
  const unordered = edges?.findIndex((edge, at) => at > 0 && edge <= (edges[at - 1] as number)) ?? -1;
  return unordered === -1 ? undefined : `/edges/${unordered} must be larger than the one before`;
}

/** The first fault in a signature's distributions that a JSON Schema can't find, as a path and a sentence. */
export function distributionFault({ inputs, outputs }: Signature): string | undefined {
  for (const [index, { type, categories, distribution }] of inputs.entries()) {
    if (!distribution) continue;
    const path = `/inputs/${index}/distribution`;
    if (type === 'string' && !categories) return `${path} needs categories`;
    const fault = faultOf(distribution, type === 'boolean' ? 2 : categories?.length);
    if (fault !== undefined) return path + fault;
  }
  for (const [index, { classes, distribution }] of (outputs.values ?? []).entries()) {
    const fault = distribution && faultOf(distribution, classes?.length);
    if (fault !== undefined) return `/outputs/values/${index}/distribution${fault}`;
  }
  const fault = outputs.distribution && faultOf(outputs.distribution, outputs.classes?.length);
  return fault === undefined ? undefined : `/outputs/distribution${fault}`;
}
