import { planSampling } from '../../worker/explanation/sampling.ts';
import type { Explanation, Model, NoExplanation } from './model.ts';

export const EXPLANATION_METHODS = ['tree_path_dependent', 'linear', 'exact', 'permutation'] as const;

/** Of a model that needs background rows. */
export const NO_BACKGROUND: NoExplanation = {
  reason:
    'it has no background.json with rows to compare with, which npm run import -- add-explanations writes from training rows',
};

/** By the answers to rows that mix a row's cells with those of background rows. */
export function sampledExplanation({
  output,
  signature,
  backgroundRows = 0,
}: Pick<Model, 'output' | 'signature' | 'backgroundRows'>): Explanation {
  if (output.task === 'several') return { reason: 'it answers with several values' };
  const { inputs } = signature;
  if (inputs.every(({ type, categories }) => type === 'string' && !categories))
    return { reason: 'it takes texts alone, whose words are not explained' };
  if (backgroundRows === 0) return NO_BACKGROUND;
  const plan = planSampling(inputs.length, backgroundRows);
  if (!plan) return { reason: `its ${inputs.length} columns are too many to sample` };
  return { method: plan.method, space: output.task === 'regression' ? 'value' : 'probability' };
}

/** By what the files say of the path in force; the first use may find another method, or a reason. */
export function explanationOf(model: Model): Explanation {
  const { engine, fast } = model;
  const own = engine.path === 'lifted' ? fast?.explanation : undefined;
  if (own && !('reason' in own)) return own;
  const sampled = sampledExplanation(model);
  // What a forest lacks says more than what any model may be given.
  return 'reason' in sampled && own && engine.engine === 'forest' ? own : sampled;
}
