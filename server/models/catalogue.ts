import type { Model } from './model.ts';

/**
 * The models that answer requests at this moment. It's asked anew for each request, which then keeps the model that it
 * was given: so a swap is one step, and requests in flight end on the version they began with.
 */
export interface Catalogue {
  /** The model that answers the routes which name none. */
  readonly standard: Model;
  /** Every version that answers, sorted by name, then by version. */
  readonly models: readonly Model[];
  /** A version of a model, or the one that is served where none is named; undefined if there is none. */
  find(name: string, version?: number): Model | undefined;
}

/** Whatever is made from a model is made once, at its first use, and goes with it. */
export function perModel<T>(make: (model: Model) => T): (model: Model) => T {
  const made = new WeakMap<Model, T>();
  return (model) => {
    const known = made.get(model);
    if (known !== undefined || made.has(model)) return known as T;
    const value = make(model);
    made.set(model, value);
    return value;
  };
}

/** A catalogue that never changes, of one version a model. */
export function createCatalogue(models: readonly Model[], standard: Model): Catalogue {
  return {
    standard,
    models,
    find: (name, version) =>
      models.find((model) => model.name === name && (version === undefined || model.version === version)),
  };
}
