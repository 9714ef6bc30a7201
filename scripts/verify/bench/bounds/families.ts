import type { Results } from '../results.ts';
import type { BoundFamily, Verdict } from './bound.ts';
import { judge } from './bound.ts';
import { compiler } from './compiler.ts';
import { fastPath } from './fastPath.ts';

/** Every family of bounds, in the order in which they are printed. */
const FAMILIES: readonly BoundFamily[] = [fastPath, compiler];

/** What a run says about every bound. */
export const judgeAll = (results: Results): Verdict[] =>
  FAMILIES.flatMap((family) => family(results).map(judge));
