import { ADULT_ROW, loadAdult } from '../../../server/testing/adult.ts';
import { fastPathOf } from '../../../server/testing/fastPathOf.ts';
import { carrierTargets } from './carriers.ts';
import { readCorpus } from './corpus.ts';
import { bytesTarget } from './bytes.ts';
import { lineTargets, tableTargets } from './tables.ts';
import type { Target } from './target.ts';
import { tensorTargets } from './tensors.ts';
import { textTargets } from './texts.ts';

/** Every decoder, with the inputs of its corpus. */
export async function allTargets(): Promise<Target[]> {
  const adult = await loadAdult();
  const targets = [
    ...tableTargets(adult, ADULT_ROW),
    bytesTarget(await fastPathOf(adult), ADULT_ROW),
    ...lineTargets(adult, ADULT_ROW),
    ...tensorTargets(adult, ADULT_ROW),
    ...textTargets(adult.signature.inputs, ADULT_ROW),
    ...carrierTargets(),
  ];
  return targets.map((target) => ({ ...target, seeds: [...target.seeds, ...readCorpus(target.name)] }));
}
