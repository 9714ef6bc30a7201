import { ADULT_ROW, loadAdult } from '../../../server/testing/adult.ts';
import { carrierTargets } from './carriers.ts';
import { readCorpus } from './corpus.ts';
import { tableTargets } from './tables.ts';
import type { Target } from './target.ts';

/** Every decoder, with the inputs of its corpus. */
export async function allTargets(): Promise<Target[]> {
  const targets = [...tableTargets(await loadAdult(), ADULT_ROW), ...carrierTargets()];
  return targets.map((target) => ({ ...target, seeds: [...target.seeds, ...readCorpus(target.name)] }));
}
