import type { PreparedExplanation } from '../../worker/protocol.ts';
import type { Model } from '../model/model.ts';

/** How a model is explained, or why it can't be. */
export type Prepared = PreparedExplanation | { readonly reason: string };

/** Prepares each model once, at its first use. */
export interface Preparations {
  of(model: Model): Promise<Prepared>;
  /** Once it was tried. */
  known(model: Model): Prepared | undefined;
}

export function createPreparations(prepare: (model: Model) => Promise<Prepared>): Preparations {
  const prepared = new WeakMap<Model, Promise<Prepared>>();
  const results = new WeakMap<Model, Prepared>();
  return {
    known: (model) => results.get(model),
    of: (model) => {
      let known = prepared.get(model);
      if (!known) {
        known = prepare(model);
        prepared.set(model, known);
        known.then(
          (result) => void results.set(model, result),
          // It says nothing of the model: the next request tries again.
          () => prepared.delete(model),
        );
      }
      return known;
    },
  };
}
